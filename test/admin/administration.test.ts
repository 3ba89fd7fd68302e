import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, ME, PASSWORD, REFRESH, registerAdmin, tokenIn } from '../helpers/seed.js';

const app = await startTestApp(t);
const admin = await registerAdmin(app);
const UPDATE = `mutation ($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) {
  id role isPremium isVerified disabledAt } }`;
const USER = 'query ($id: ID!) { user(id: $id) { id email deletedAt disabledAt sessions { id } } }';
const update = (id: string, input: object, client = admin.client) => client.send(UPDATE, { id, input });
const login = (identifier: string) => app.client().send(LOGIN, { input: { identifier, password: PASSWORD } });

t.test('sets role, premium and verified and audits the administrator', async (t) => {
  const user = await app.user();
  const answer = await update(user.id, { role: 'ADMIN', isPremium: true, isVerified: true });
  t.match(answer.data?.['updateUser'], { role: 'ADMIN', isPremium: true, isVerified: true, disabledAt: null });
  const events = await auditOf(app.db, user.id);
  t.match(
    events
      .filter(({ actorId }) => actorId === admin.id)
      .map(({ type, detail }) => `${type}: ${detail}`)
      .sort(),
    ['account.role_changed: USER to ADMIN', 'account.updated: isPremium isVerified'],
  );
  t.equal((await update(user.id, { role: 'ADMIN' })).code, undefined);
  t.equal((await auditOf(app.db, user.id)).length, events.length, 'no change, no event');
});

t.test('applies a promotion with the next token and a demotion immediately', async (t) => {
  const user = await app.user();
  const users = '{ users(first: 1) { edges { node { id } } } }';
  await update(user.id, { role: 'ADMIN' });
  t.equal((await user.client.send(users)).code, 'INSUFFICIENT_PERMISSIONS', 'the token says what it says');
  const { data } = await login(user.username);
  const promoted = app.client({ token: data?.['login'].accessToken });
  t.equal((await promoted.send(users)).code, undefined);
  await update(user.id, { role: 'USER' });
  t.equal((await promoted.send(users)).code, 'INSUFFICIENT_PERMISSIONS');
});

t.test('ends sessions of a disabled account, also after it is enabled again', async (t) => {
  const user = await app.user();
  t.ok((await update(user.id, { disabled: true })).data?.['updateUser'].disabledAt);
  t.same([(await user.client.send(ME)).code, (await user.client.send(ME)).status], ['ACCOUNT_DISABLED', 403]);
  t.equal((await app.client().send(REFRESH, { refreshToken: user.refreshToken })).code, 'ACCOUNT_DISABLED');
  t.equal((await login(user.username)).code, 'ACCOUNT_DISABLED');
  await update(user.id, { disabled: false });
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await app.client().send(REFRESH, { refreshToken: user.refreshToken })).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await login(user.username)).code, undefined);
  const types = (await auditOf(app.db, user.id)).map(({ type }) => type);
  t.ok(types.includes('account.disabled') && types.includes('account.enabled'));
});

t.test('voids mailed links of a disabled account', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  await update(user.id, { disabled: true });
  await update(user.id, { disabled: false });
  const verify = 'mutation ($token: String!) { verifyEmail(token: $token) { id } }';
  t.equal((await app.client().send(verify, { token })).code, 'INVALID_TOKEN');
});

t.test('rejects null and answers NOT_FOUND for unknown ids', async (t) => {
  const user = await app.user();
  const nulls = await update(user.id, { role: null, isPremium: true, disabled: null });
  t.same(
    nulls.errors[0]?.extensions.details?.map(({ field }) => field),
    ['role', 'disabled'],
  );
  for (const id of ['x', '01a1fc41-72cb-70ec-8b3d-3273bdd93199', '', "'"]) {
    t.equal((await update(id, { isPremium: true })).code, 'NOT_FOUND');
    for (const field of ['deleteUser(id: $id)', 'restoreUser(id: $id) { id }', 'revokeUserSessions(userId: $id)'])
      t.equal((await admin.client.send(`mutation ($id: ID!) { ${field} }`, { id })).code, 'NOT_FOUND', field);
    t.same((await admin.client.send(USER, { id })).data, { user: null });
  }
});

t.test('revokes the sessions of an account and returns the count', async (t) => {
  const user = await app.user();
  await login(user.username);
  const revoke = 'mutation ($id: ID!) { revokeUserSessions(userId: $id) }';
  t.equal((await admin.client.send(revoke, { id: user.id })).data?.['revokeUserSessions'], 2);
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.match(await auditOf(app.db, user.id), [{ type: 'session.revoked', actorId: admin.id, detail: 'all 2' }]);
});

t.test('audits deletion and restore; shows deleted accounts but rejects changes', async (t) => {
  const user = await app.user();
  const answer = await admin.client.send('mutation ($id: ID!) { deleteUser(id: $id) }', { id: user.id });
  t.equal(answer.data?.['deleteUser'], true);
  t.equal((await user.client.send(ME)).code, 'USER_NOT_FOUND');
  t.ok((await admin.client.send(USER, { id: user.id })).data?.['user'].deletedAt);
  t.equal((await update(user.id, { isPremium: true })).code, 'NOT_FOUND');
  t.match(await auditOf(app.db, user.id), [{ type: 'account.deleted', actorId: admin.id }]);
});

t.test('shows sessions of others to administrators only', async (t) => {
  const user = await app.user();
  t.equal((await admin.client.send(USER, { id: user.id })).data?.['user'].sessions.length, 1);
  t.equal((await user.client.send('{ me { disabledAt } }')).code, 'INSUFFICIENT_PERMISSIONS');
  t.equal((await user.client.send('{ me { deletedAt } }')).code, 'INSUFFICIENT_PERMISSIONS');
});

t.test('rejects demoting, disabling or deleting the last administrator', async (t) => {
  const fresh = await startTestApp(t);
  const last = await registerAdmin(fresh);
  for (const input of [{ role: 'USER' }, { disabled: true }]) {
    const answer = await last.client.send(UPDATE, { id: last.id, input });
    t.match(answer.errors[0]?.extensions, { code: 'VALIDATION_ERROR', details: [{ field: Object.keys(input)[0] }] });
  }
  const deleted = await last.client.send('mutation ($id: ID!) { deleteUser(id: $id) }', { id: last.id });
  t.equal(deleted.code, 'VALIDATION_ERROR');
  t.equal((await last.client.send('{ users { edges { node { id } } } }')).code, undefined, 'and still administers');
  await registerAdmin(fresh);
  t.equal((await last.client.send(UPDATE, { id: last.id, input: { role: 'USER' } })).code, undefined);
});

t.test('keeps one administrator when two demote each other concurrently', async (t) => {
  const fresh = await startTestApp(t);
  const [one, two] = [await registerAdmin(fresh), await registerAdmin(fresh)];
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all([
      one.client.send(UPDATE, { id: two.id, input: { role: 'USER' } }),
      two.client.send(UPDATE, { id: one.id, input: { disabled: true } }),
    ]);
    t.ok(
      answers.some(({ code }) => code !== undefined),
      'one is refused',
    );
    const { data } = await fresh.client({ token: one.accessToken }).send('{ users { edges { node { id } } } }');
    const winner = data ? one : two;
    const loser = data ? two : one;
    const restored = await winner.client.send(UPDATE, { id: loser.id, input: { role: 'ADMIN', disabled: false } });
    t.equal(restored.code, undefined);
    if (!data) break;
  }
});
