/** Scopes of roles, and required scopes. */
import t from 'tap';
import { assertScopes } from '../../src/authz/decisions.js';
import { createScopeCatalogue, satisfies } from '../../src/authz/scopes.js';
import { AppError } from '../../src/lib/errors.js';
import { userPrincipal } from '../helpers/principal.js';

const held = new Set(['a', 'b']);

t.test('evaluates required scopes as OR of ANDs', async (t) => {
  t.equal(satisfies(held, [['a', 'b']]), true);
  t.equal(satisfies(held, [['a', 'c']]), false, 'a group requires all of its scopes');
  t.equal(satisfies(held, [['c'], ['b']]), true, 'one group is enough');
  t.equal(satisfies(held, []), false, 'no group admits nobody');
  t.equal(satisfies(held, [[]]), true, 'an empty group requires nothing');
});

t.test('grants four scopes to users, and `admin` to administrators as well', async (t) => {
  const scopes = createScopeCatalogue();
  t.same(scopes.granted('USER'), ['read:content', 'read:profile', 'write:profile', 'read:history']);
  t.same(scopes.granted('ADMIN'), [...scopes.granted('USER'), 'admin']);
});

t.test('adds declared scopes once, those of users to administrators as well', async (t) => {
  const scopes = createScopeCatalogue({ USER: ['reports:read', 'read:content'], ADMIN: ['reports:write'] });
  t.same(scopes.granted('USER').filter((scope) => scope === 'read:content').length, 1);
  t.ok(scopes.granted('USER').includes('reports:read'));
  t.notOk(scopes.granted('USER').includes('reports:write'));
  t.ok(['reports:read', 'reports:write'].every((scope) => scopes.granted('ADMIN').includes(scope)));
  t.ok(scopes.all.has('reports:write'));
});

t.test('rejects a principal with the required scopes in the error', async (t) => {
  const principal = userPrincipal({ scopes: held });
  t.doesNotThrow(() => assertScopes(principal, [['a']]));
  try {
    assertScopes(principal, [['admin'], ['a', 'c']]);
    t.fail('it was admitted');
  } catch (error) {
    t.ok(error instanceof AppError);
    t.same((error as AppError).extensions, {
      code: 'INSUFFICIENT_PERMISSIONS',
      requiredScopes: [['admin'], ['a', 'c']],
    });
  }
});
