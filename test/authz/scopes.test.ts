import t from 'tap';
import { assertScopes } from '../../src/authz/decisions.js';
import { createScopeCatalogue, satisfies } from '../../src/authz/scopes.js';
import { AppError } from '../../src/lib/errors.js';
import { userPrincipal } from '../helpers/principal.js';

const held = new Set(['a', 'b']);

t.test('a demand is an OR of ANDs', async (t) => {
  t.equal(satisfies(held, [['a', 'b']]), true);
  t.equal(satisfies(held, [['a', 'c']]), false, 'every scope of a group is needed');
  t.equal(satisfies(held, [['c'], ['b']]), true, 'one group is enough');
  t.equal(satisfies(held, []), false, 'no group at all lets nobody in');
  t.equal(satisfies(held, [[]]), true, 'an empty group asks for nothing');
});

t.test('a user is given four scopes and an administrator `admin` besides', async (t) => {
  const scopes = createScopeCatalogue();
  t.same(scopes.granted('USER'), ['read:content', 'read:profile', 'write:profile', 'read:history']);
  t.same(scopes.granted('ADMIN'), [...scopes.granted('USER'), 'admin']);
});

t.test('declared scopes are added once, an administrator has those of users too', async (t) => {
  const scopes = createScopeCatalogue({ USER: ['reports:read', 'read:content'], ADMIN: ['reports:write'] });
  t.same(scopes.granted('USER').filter((scope) => scope === 'read:content').length, 1);
  t.ok(scopes.granted('USER').includes('reports:read'));
  t.notOk(scopes.granted('USER').includes('reports:write'));
  t.ok(['reports:read', 'reports:write'].every((scope) => scopes.granted('ADMIN').includes(scope)));
  t.ok(scopes.all.has('reports:write'));
});

t.test('a refusal names the scopes that were needed', async (t) => {
  const principal = userPrincipal({ scopes: held });
  t.doesNotThrow(() => assertScopes(principal, [['a']]));
  try {
    assertScopes(principal, [['admin'], ['a', 'c']]);
    t.fail('it was let in');
  } catch (error) {
    t.ok(error instanceof AppError);
    t.same((error as AppError).extensions, {
      code: 'INSUFFICIENT_PERMISSIONS',
      requiredScopes: [['admin'], ['a', 'c']],
    });
  }
});
