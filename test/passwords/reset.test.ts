import { sql } from 'drizzle-orm';
import t from 'tap';
import type { Executor } from '../../src/db/database.js';
import { createOneTimeTokens } from '../../src/one-time-tokens/service.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, ME, PASSWORD, REFRESH, setAccount, tokenIn } from '../helpers/seed.js';

const app = await startTestApp(t, { RATE_LIMIT_FIELDS: 'requestPasswordReset=1000/1m' });
const NEW_PASSWORD = 'a brand new brass telescope';
const REQUEST = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
const RESET = `mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) {
  accessToken refreshToken user { id isVerified } } }`;
const request = (email: string) => app.client().send(REQUEST, { email });
const reset = (token: string, password = NEW_PASSWORD, more: object = {}) =>
  app.client().send(RESET, { input: { token, password, ...more } });
const login = (identifier: string, password: string) => app.client().send(LOGIN, { input: { identifier, password } });
const resetMails = async (address: string) =>
  (await app.mailTo(address)).filter(({ text }) => text.includes('/reset-password?token='));
const linkFor = async (email: string) => {
  await request(email);
  return tokenIn(await resetMails(email));
};

t.test('sends a link to the stored address that sets a password once', async (t) => {
  const user = await app.user();
  const token = await linkFor(user.email);
  const answer = await reset(token);
  t.match(answer.data?.['resetPassword'], { user: { id: user.id, isVerified: true } });
  t.equal((await login(user.username, NEW_PASSWORD)).code, undefined);
  t.equal((await login(user.username, PASSWORD)).code, 'INVALID_CREDENTIALS');
  const again = await reset(token, 'yet another brass telescope');
  t.same([again.code, again.status], ['INVALID_TOKEN', 401]);
  t.equal((await login(user.username, NEW_PASSWORD)).code, undefined, 'and nothing changed');
});

t.test('ends all sessions, voids pending tokens and notifies the owner', async (t) => {
  const user = await app.user();
  const verification = tokenIn(await app.mailTo(user.email));
  const token = await linkFor(user.email);
  const { data } = await reset(token);
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await app.client().send(REFRESH, { refreshToken: user.refreshToken })).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await app.client({ token: data?.['resetPassword'].accessToken }).send(ME)).code, undefined);
  const verify = await app.client().send('mutation ($token: String!) { verifyEmail(token: $token) { id } }', {
    token: verification,
  });
  t.equal(verify.code, 'INVALID_TOKEN');
  t.match((await app.mailTo(user.email)).at(-1)?.subject, /password/i);
  const types = (await auditOf(app.db, user.id)).map(({ type }) => type);
  t.ok(['password.reset', 'password.reset_requested', 'session.opened'].every((type) => types.includes(type)));
});

t.test('rejects a token for a former address of the account', async (t) => {
  const user = await app.user();
  const tokens = createOneTimeTokens({ clock: app.clock });
  const issue = (emailKey: string) => tokens.issue(app.db.executor, 'password_reset', { userId: user.id, emailKey });
  // As if the address changed while the mail was created.
  const stale = await issue('former@mail.test');
  t.equal((await reset(stale)).code, 'INVALID_TOKEN');
  t.equal((await login(user.username, PASSWORD)).code, undefined);
  t.equal((await reset(await issue(user.email))).code, undefined);
});

t.test('gives the same response for unknown, deleted and disabled accounts and sends no email', async (t) => {
  const [disabled, deleted] = [await app.user(), await app.user()];
  await setAccount(app.db, disabled.id, 'disabled');
  await setAccount(app.db, deleted.id, 'deleted');
  const known = await request((await app.user()).email);
  for (const email of ['nobody@mail.test', disabled.email, deleted.email]) {
    const answer = await request(email);
    t.same([answer.status, answer.data, answer.errors], [known.status, known.data, known.errors]);
    t.same(await resetMails(email), []);
  }
});

t.test('does the same work for every address', async (t) => {
  const statements: string[] = [];
  const counting = { ...app.db, executor: recording(app.db.executor, statements) };
  const counted = await startTestApp(t, {}, counting);
  const user = await app.user();
  const during = async (email: string) => {
    statements.length = 0;
    await counted.client().send(REQUEST, { email });
    // Whatever the request set off would begin by now.
    await new Promise(setImmediate);
    return statements.join();
  };
  t.equal(await during(user.email), 'insert,insert', 'the limit, and the outbox');
  t.equal(await during('nobody@mail.test'), 'insert,insert');
});

t.test('rejects a malformed address', async (t) => {
  for (const email of ['', 'x', 'a@b', 'a b@c.test', `${'x'.repeat(300)}@mail.test`, '\u0000@mail.test']) {
    t.equal((await request(email)).code, 'VALIDATION_ERROR', email.slice(0, 10));
  }
});

t.test('limits an account to three links an hour without changing the response', async (t) => {
  const user = await app.user();
  for (let time = 0; time < 5; time += 1) {
    t.equal((await request(user.email.toUpperCase())).data?.['requestPasswordReset'], true);
    await app.mailTo(user.email);
  }
  t.equal((await resetMails(user.email)).length, 3);
  const throttled = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'request.throttled');
  t.match(throttled, [{ detail: 'password reset mail', actorId: null }]);
  t.equal(throttled.length, 1, 'told once');
  app.clock.advance(3_600_000);
  await request(user.email);
  t.equal((await resetMails(user.email)).length, 4);
});

t.test('voids the older link and expires links after an hour', async (t) => {
  const user = await app.user();
  const older = await linkFor(user.email);
  const newer = await linkFor(user.email);
  t.equal((await reset(older)).code, 'INVALID_TOKEN');
  app.clock.advance(3_599_000);
  t.equal((await reset(newer, 'short')).code, 'VALIDATION_ERROR', 'a refused password leaves it unused');
  app.clock.advance(1_000);
  t.equal((await reset(newer)).code, 'INVALID_TOKEN');
  t.equal((await login(user.username, PASSWORD)).code, undefined);
});

t.test('accepts one of several concurrent uses of a link', async (t) => {
  const user = await app.user();
  const token = await linkFor(user.email);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => reset(token, `${NEW_PASSWORD} ${n}`)));
  t.equal(answers.filter(({ code }) => code === undefined).length, 1);
  t.same(new Set(answers.map(({ code }) => code)), new Set([undefined, 'INVALID_TOKEN']));
  const { data } = await app
    .client({ token: answers.find(({ code }) => code === undefined)!.data!['resetPassword'].accessToken })
    .send('{ me { sessions { id } } }');
  t.equal(data?.['me'].sessions.length, 1, 'one session is open');
});

t.test('rejects forged tokens and tokens of another purpose', async (t) => {
  const user = await app.user();
  const verification = tokenIn(await app.mailTo(user.email));
  for (const token of ['', 'x', 'A'.repeat(43), `${await linkFor(user.email)}A`, verification, user.refreshToken]) {
    t.equal((await reset(token)).code, 'INVALID_TOKEN');
  }
});

t.test('reports all errors of the new password together', async (t) => {
  const user = await app.user();
  const token = await linkFor(user.email);
  const answer = await reset(token, user.username, { passwordConfirmation: 'other' });
  t.equal(answer.code, 'VALIDATION_ERROR');
  const fields = answer.errors[0]?.extensions.details?.map(({ field }) => field);
  t.ok(fields?.includes('password') && fields.includes('passwordConfirmation'));
});

t.test('rejects the link if the account was disabled or deleted meanwhile', async (t) => {
  for (const state of ['disabled', 'deleted'] as const) {
    const user = await app.user();
    const token = await linkFor(user.email);
    await setAccount(app.db, user.id, state);
    t.equal((await reset(token)).code, 'INVALID_TOKEN', state);
  }
});

t.test('stores only token hashes and no token in the outbox', async (t) => {
  const user = await app.user();
  const token = await linkFor(user.email);
  await request(user.email);
  const dump = JSON.stringify([
    await app.db.executor.execute(sql`select * from one_time_tokens`),
    await app.db.executor.execute(sql`select * from mail_outbox`),
  ]);
  t.notOk(dump.includes(token));
  const stored = /"token_hash":"([^"]+)"/.exec(dump)?.[1];
  t.ok(stored);
  t.equal((await reset(stored!)).code, 'INVALID_TOKEN');
});

/** Notes the kind of each statement that begins on an executor, whether it is built for it or was before. */
function recording(executor: Executor, statements: string[]): Executor {
  const { session } = executor._;
  const prepareQuery: typeof session.prepareQuery = (query, ...rest) => {
    statements.push(query.sql.split(' ', 1)[0]!);
    return session.prepareQuery(query, ...rest);
  };
  return new Proxy(executor, {
    get(target, key) {
      if (key === '_') return { ...target._, session: { prepareQuery } };
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        statements.push(String(key));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}
