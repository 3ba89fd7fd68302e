import { sql } from 'drizzle-orm';
import t from 'tap';
import { passwordAttempts } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, ME, PASSWORD, setAccount } from '../helpers/seed.js';

const app = await startTestApp(t);
const client = app.client();
const user = await app.user({ email: 'Ada@Mail.test', username: 'Ada' });
const login = (input: object, from = client) => from.send(LOGIN, { input: { password: PASSWORD, ...input } });
const sessionsOf = async (id: string) =>
  JSON.stringify(await app.db.executor.execute(sql`select count(*) as n from sessions where user_id = ${id}`));
const sessions = async () =>
  JSON.stringify(
    await app.db.executor.execute(sql`select count(*)::int as n from sessions where user_id = ${user.id}`),
  );

t.test('finds an account by email address or username in any case and form', async (t) => {
  for (const identifier of ['Ada@Mail.test', 'ada@mail.TEST', 'ADA', 'ada', '\uFF21da', ' ada ']) {
    const answer = await login({ identifier });
    t.equal((answer.data?.['login'] as { user: { id: string } } | undefined)?.user.id, user.id, identifier);
  }
});

t.test('records a login and issues a working token', async (t) => {
  app.clock.advance(60_000);
  const answer = await login({ identifier: 'ada' });
  const payload = answer.data?.['login'] as { accessToken: string; user: { lastLoginAt: string } };
  t.equal(payload.user.lastLoginAt, new Date(app.clock.now()).toISOString());
  t.equal((await client.send(ME, {}, { token: payload.accessToken })).data?.['me'].id, user.id);
});

t.test('gives the same response for an unknown account and a wrong password', async (t) => {
  const before = await sessions();
  const wrong = await login({ identifier: 'ada', password: 'wrong horse battery staple' });
  const unknown = await login({ identifier: 'nobody' });
  const absurd = await login({ identifier: 'ada', password: 'x'.repeat(20_000) });
  const odd = await login({ identifier: '\uD800@\u0000' });
  t.equal(wrong.code, 'INVALID_CREDENTIALS');
  t.equal(wrong.status, 401);
  for (const answer of [unknown, absurd, odd]) t.same([answer.status, answer.errors], [wrong.status, wrong.errors]);
  t.equal(await sessions(), before);
});

t.test('reveals that an account is disabled only for the right password', async (t) => {
  const disabled = await app.user();
  await setAccount(app.db, disabled.id, 'disabled');
  const right = await login({ identifier: disabled.username });
  t.same([right.code, right.status], ['ACCOUNT_DISABLED', 403]);
  t.match(await auditOf(app.db, disabled.id), [{ type: 'login.failed', actorId: null, detail: 'disabled' }]);
  t.equal((await login({ identifier: disabled.username, password: 'not the password' })).code, 'INVALID_CREDENTIALS');
});

t.test('treats a deleted account as unknown', async (t) => {
  const deleted = await app.user();
  await setAccount(app.db, deleted.id, 'deleted');
  t.equal((await login({ identifier: deleted.username })).code, 'INVALID_CREDENTIALS');
});

t.test('uses the longer lifetime with rememberMe', async (t) => {
  const expiry = 'mutation ($input: LoginInput!) { login(input: $input) { user { sessions { expiresAt current } } } }';
  for (const [rememberMe, ms] of [
    [false, 86_400_000],
    [true, 2_592_000_000],
  ] as const) {
    const { data } = await client.send(expiry, { input: { identifier: 'ada', password: PASSWORD, rememberMe } });
    const opened = data?.['login'].user.sessions.find((session: { current: boolean }) => session.current);
    t.equal(opened.expiresAt, new Date(app.clock.now() + ms).toISOString());
  }
});

t.test('grants the scope admin to administrators', async (t) => {
  const admin = await app.user();
  await setAccount(app.db, admin.id, 'role');
  const { data } = await login({ identifier: admin.username });
  t.match(data?.['login'], { scope: /\badmin$/, user: { role: 'ADMIN' } });
});

t.test('upgrades a hash with lower parameters at login', async (t) => {
  const hashOf = async () =>
    JSON.stringify(await app.db.executor.execute(sql`select password_hash from users where id = ${user.id}`));
  t.match(await hashOf(), /m=64,t=1,p=1\$/);
  const raised = await startTestApp(t, { ARGON2_MEMORY_KIB: '128', ARGON2_TIME_COST: '2' }, app.db);
  t.equal((await login({ identifier: 'ada' }, raised.client())).code, undefined);
  t.match(await hashOf(), /m=128,t=2,p=1\$/);
  t.equal((await login({ identifier: 'ada' }, raised.client())).code, undefined);
});

t.test('accepts concurrent logins that all upgrade the hash, without counting failures', async (t) => {
  const account = await app.user();
  const raised = await startTestApp(t, { ARGON2_MEMORY_KIB: '128', ARGON2_TIME_COST: '2' }, app.db);
  const count = async () => Number(/"n":"?(\d+)/.exec(await sessionsOf(account.id))?.[1]);
  const before = await count();
  await app.db.executor.delete(passwordAttempts);
  const answers = await Promise.all(
    // Beside instances with the parameters of before, as while a deployment rolls.
    [raised, app, raised, app, raised].map((each) => login({ identifier: account.username }, each.client())),
  );
  t.same(
    answers.map(({ code }) => code),
    Array(5).fill(undefined),
  );
  t.equal(await count(), before + 5);
  t.same(await app.db.executor.select().from(passwordAttempts), []);
  t.notOk((await auditOf(app.db, account.id)).some(({ type }) => type === 'login.failed'));
});

for (const [what, change, code, failures] of [
  ['a hash made anew elsewhere', undefined, undefined, 0],
  ['a changed password', sql`password_hash = 'changed'`, 'INVALID_CREDENTIALS', 1],
  ['a disabled account', sql`disabled_at = now()`, 'ACCOUNT_DISABLED', 1],
  ['a deleted account', sql`deleted_at = now()`, 'INVALID_CREDENTIALS', 0],
] as const) {
  t.test(`${what} between proof and session is seen`, async (t) => {
    const victim = await app.user();
    const raised = await startTestApp(t, { ARGON2_MEMORY_KIB: '128', ARGON2_TIME_COST: '2' }, app.db);
    let armed = false;
    let before: string | undefined;
    let transactions = 0;
    const racing = {
      ...app.db,
      async transaction<T>(work: Parameters<typeof app.db.transaction<T>>[0]): Promise<T> {
        // The first transaction charges the attempt, the second opens the session.
        if (armed) transactions += 1;
        if (armed && transactions === 2) {
          armed = false;
          if (change) await app.db.executor.execute(sql`update users set ${change} where id = ${victim.id}`);
          else await login({ identifier: victim.username }, raised.client());
          before = await sessionsOf(victim.id);
        }
        return app.db.transaction(work);
      },
    };
    const raced = await startTestApp(t, {}, racing);
    armed = true;
    t.equal((await login({ identifier: victim.username }, raced.client())).code, code);
    t.ok(before, 'the race was run');
    if (code) t.equal(await sessionsOf(victim.id), before);
    else t.not(await sessionsOf(victim.id), before);
    const failed = (await auditOf(app.db, victim.id)).filter(({ type }) => type === 'login.failed');
    t.equal(failed.length, failures);
  });
}

t.test('grants configured scopes by role', async (t) => {
  const extended = await startTestApp(t, { EXTRA_SCOPES: 'reports:read,reports:write=ADMIN' }, app.db);
  const account = await app.user();
  const scopeOf = async () => {
    const { data } = await login({ identifier: account.username }, extended.client());
    return (data?.['login'] as { scope: string }).scope.split(' ');
  };
  t.ok((await scopeOf()).includes('reports:read'));
  t.notOk((await scopeOf()).includes('reports:write'));
  await setAccount(app.db, account.id, 'role');
  t.ok((await scopeOf()).includes('reports:write'));
});
