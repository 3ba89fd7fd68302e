import { sql } from 'drizzle-orm';
import t from 'tap';
import { users } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, ME, PASSWORD, REFRESH, REGISTER, registerAdmin, setAccount, type SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t, { RESTORE_WINDOW: '30d' });
const DELETE = 'mutation ($input: DeleteMeInput!) { deleteMe(input: $input) }';
const RESTORE = 'mutation ($id: ID!) { restoreUser(id: $id) { id username deletedAt } }';
const DAY_MS = 86_400_000;
const deleteMe = (user: SeededUser, input: object = {}) =>
  user.client.send(DELETE, { input: { confirmation: 'DELETE_MY_ACCOUNT', password: PASSWORD, ...input } });
const login = (identifier: string) => app.client().send(LOGIN, { input: { identifier, password: PASSWORD } });

t.test('deletes an account with confirmation and password: ends its sessions and rejects logins', async (t) => {
  const user = await app.user();
  t.equal((await deleteMe(user)).data?.['deleteMe'], true);
  t.equal((await user.client.send(ME)).code, 'USER_NOT_FOUND');
  t.equal((await app.client().send(REFRESH, { refreshToken: user.refreshToken })).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await login(user.username)).code, 'INVALID_CREDENTIALS');
  t.match((await app.mailTo(user.email)).at(-1)?.text, /30 days/);
  t.match(await auditOf(app.db, user.id), [{ type: 'account.deleted', actorId: user.id }]);
});

t.test('rejects a wrong confirmation or password', async (t) => {
  const user = await app.user();
  const wrong = await deleteMe(user, { confirmation: 'delete_my_account' });
  t.match(wrong.errors[0]?.extensions, { code: 'VALIDATION_ERROR', details: [{ field: 'confirmation' }] });
  t.equal((await deleteMe(user, { password: 'wrong wrong wrong' })).code, 'INVALID_CREDENTIALS');
  t.equal((await user.client.send(ME)).code, undefined);
});

t.test('reserves the names of a deleted account until it is purged', async (t) => {
  const user = await app.user();
  await deleteMe(user);
  const input = { email: user.email.toUpperCase(), username: user.username, password: PASSWORD };
  const taken = await app.client().send(REGISTER, { input });
  t.same(
    taken.errors[0]?.extensions.details?.map(({ field }) => field),
    ['email', 'username'],
  );
});

t.test('restores an account within the window without its sessions', async (t) => {
  const user = await app.user();
  await deleteMe(user);
  app.clock.advance(29 * DAY_MS);
  const fresh = await registerAdmin(app);
  const restored = await fresh.client.send(RESTORE, { id: user.id });
  t.match(restored.data?.['restoreUser'], { id: user.id, deletedAt: null });
  t.equal((await login(user.username)).code, undefined);
  t.equal((await user.client.send(ME)).code, 'TOKEN_EXPIRED');
  t.ok(
    (await auditOf(app.db, user.id)).some(({ type, actorId }) => type === 'account.restored' && actorId === fresh.id),
  );
  t.equal((await fresh.client.send(RESTORE, { id: user.id })).code, 'NOT_FOUND', 'there is nothing to restore');
});

t.test('rejects a restore after the window and purges all personal data', async (t) => {
  const user = await app.user();
  await deleteMe(user);
  await app.mailTo(user.email);
  app.clock.advance(30 * DAY_MS + 1000);
  const fresh = await registerAdmin(app);
  t.equal((await fresh.client.send(RESTORE, { id: user.id })).code, 'NOT_FOUND');
  await app.runJob('purge deleted accounts');
  for (const table of ['users', 'sessions', 'one_time_tokens', 'mail_outbox']) {
    const column = table === 'users' ? 'id' : 'user_id';
    const found = await app.db.executor.execute(
      sql`select 1 from ${sql.identifier(table)} where ${sql.identifier(column)} = ${user.id}`,
    );
    t.notMatch(JSON.stringify(found), /\?column\?":1/, table);
  }
  const kept = await auditOf(app.db, user.id);
  t.ok(kept.length >= 3, 'what happened stays');
  t.same(
    [...new Set(kept.slice(1).flatMap(({ ipAddress, userAgent, detail }) => [ipAddress, userAgent, detail]))],
    [null],
  );
  t.equal(kept[0]?.type, 'account.purged');
  const { username, email } = user;
  const again = await app.client().send(REGISTER, { input: { username, email, password: PASSWORD } });
  t.equal(again.code, undefined, 'and the names are free');
});

t.test('keeps the actions of a purged administrator in the audit of others, without client data', async (t) => {
  const [admin, other, user] = [await registerAdmin(app), await registerAdmin(app), await app.user()];
  const promote = 'mutation ($id: ID!) { updateUser(id: $id, input: { role: ADMIN }) { id } }';
  t.equal((await admin.client.send(promote, { id: user.id })).code, undefined);
  t.equal((await other.client.send('mutation ($id: ID!) { deleteUser(id: $id) }', { id: admin.id })).code, undefined);
  app.clock.advance(30 * DAY_MS + 1000);
  await app.runJob('purge deleted accounts');
  t.match(
    (await auditOf(app.db, user.id)).find(({ type }) => type === 'account.role_changed'),
    { actorId: admin.id, detail: 'USER to ADMIN', ipAddress: null, userAgent: null },
  );
});

t.test('does not purge accounts within the restore window', async (t) => {
  const user = await app.user();
  await deleteMe(user);
  await app.runJob('purge deleted accounts');
  t.match(JSON.stringify(await app.db.executor.execute(sql`select id from users where id = ${user.id}`)), user.id);
});

t.test('purges all due accounts in one run', async (t) => {
  const due = sql`username like 'due%'`;
  await app.db.executor.execute(sql`insert into users (id, email, email_key, username, username_key, password_hash,
    created_at, updated_at, deleted_at) select gen_random_uuid(), n, n, 'due' || n, 'due' || n, 'x', at, at, at
    from generate_series(1, 120) n, (select timestamptz '2001-01-01' as at) times`);
  await app.runJob('purge deleted accounts');
  t.equal(await app.db.executor.$count(users, due), 0);
});

t.test('answers USER_NOT_FOUND for an account that is deleted between two statements', async (t) => {
  const user = await app.user();
  let armed = false;
  const racing = {
    ...app.db,
    async transaction<T>(work: Parameters<typeof app.db.transaction<T>>[0]): Promise<T> {
      if (armed) await setAccount(app.db, user.id, 'deleted');
      return app.db.transaction(work);
    },
  };
  const raced = await startTestApp(t, {}, racing);
  const client = raced.client({ token: user.accessToken });
  armed = true;
  const update = await client.send('mutation { updateMe(input: { displayName: "x" }) { id } }');
  t.equal(update.code, 'USER_NOT_FOUND');
});

t.test('rejects the deletion of the last administrator, also concurrently', async (t) => {
  const fresh = await startTestApp(t);
  const [one, two] = [await registerAdmin(fresh), await registerAdmin(fresh)];
  const input = { confirmation: 'DELETE_MY_ACCOUNT', password: PASSWORD };
  const answers = await Promise.all([one, two].map(({ client }) => client.send(DELETE, { input })));
  t.same(answers.map(({ code }) => code).sort(), ['VALIDATION_ERROR', undefined]);
});
