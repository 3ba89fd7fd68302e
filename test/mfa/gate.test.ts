import { eq } from 'drizzle-orm';
import t from 'tap';
import { secondFactorChallenges, sessions, users } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, tokenIn, type SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t);
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }';

/** A registered account that counts as enrolled. */
async function enrolledUser(): Promise<SeededUser> {
  const user = await app.user();
  await app.db.executor.update(users).set({ hasSecondFactor: true }).where(eq(users.id, user.id));
  return user;
}

const login = (identifier: string, password = PASSWORD, more: object = {}) =>
  app.client().send(LOGIN, { input: { identifier, password, ...more } });
const sessionsOf = (id: string) => app.db.executor.select().from(sessions).where(eq(sessions.userId, id));
const challengesOf = (id: string) =>
  app.db.executor.select().from(secondFactorChallenges).where(eq(secondFactorChallenges.userId, id));

t.test('answers a login with a challenge and opens no session', async (t) => {
  const user = await enrolledUser();
  const answer = await login(user.username);
  t.match(answer, { status: 401, code: 'SECOND_FACTOR_REQUIRED' });
  const { challenge, methods, expiresAt } = answer.errors[0]!.extensions;
  t.match(challenge, /^[\w-]{43}$/);
  t.same(methods, []);
  t.equal(expiresAt, new Date(app.clock.now() + 300_000).toISOString());
  t.equal((await sessionsOf(user.id)).length, 1, 'only that of the registration');
});

t.test('stores the challenge as a hash, with the proof and the parameters of the first step', async (t) => {
  const user = await enrolledUser();
  const answer = await login(user.email, PASSWORD, { rememberMe: true });
  const [row, ...others] = await challengesOf(user.id);
  t.match(row, { provedBy: 'login', methods: ['pwd'], rememberMe: true, transport: 'BODY', tries: 0 });
  t.not(row?.challengeHash, answer.errors[0]!.extensions.challenge);
  t.same(others, []);
});

t.test('changes the password by a mailed link, but opens no session', async (t) => {
  const user = await enrolledUser();
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const mails = await app.mailTo(user.email);
  const token = tokenIn(mails.filter(({ text }) => text.includes('/reset-password?token=')));
  const password = 'a brand new brass telescope';
  t.equal((await app.client().send(RESET, { input: { token, password } })).code, 'SECOND_FACTOR_REQUIRED');
  t.match(await challengesOf(user.id), [{ provedBy: 'password reset', methods: ['email'] }]);
  t.equal((await sessionsOf(user.id)).filter(({ endedAt }) => endedAt === null).length, 0);
  t.equal((await login(user.username)).code, 'INVALID_CREDENTIALS');
  t.equal((await login(user.username, password)).code, 'SECOND_FACTOR_REQUIRED');
});

t.test('does not confirm an address by a reset if a second factor was enrolled before', async (t) => {
  const user = await enrolledUser();
  const isVerified = async () =>
    (await app.db.executor.select().from(users).where(eq(users.id, user.id))).map((row) => row.isVerified);
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const mails = await app.mailTo(user.email);
  const token = tokenIn(mails.filter(({ text }) => text.includes('/reset-password?token=')));
  const input = { token, password: 'a brand new brass telescope' };
  t.equal((await app.client().send(RESET, { input })).code, 'SECOND_FACTOR_REQUIRED');
  t.same(await isVerified(), [false]);
});

t.test('keeps earlier failures when the password is right', async (t) => {
  const user = await enrolledUser();
  const client = app.client();
  const attempt = (password: string) => client.send(LOGIN, { input: { identifier: user.username, password } });
  for (const password of ['wrong 1', 'wrong 2', 'wrong 3', 'wrong 4']) await attempt(password);
  t.equal((await attempt(PASSWORD)).code, 'SECOND_FACTOR_REQUIRED');
  t.equal((await attempt('wrong 5')).code, 'INVALID_CREDENTIALS');
  t.equal((await attempt(PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
});

t.test('does not count a right password as a failure', async (t) => {
  const user = await enrolledUser();
  const client = app.client();
  const attempt = () => client.send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  const codes = [];
  for (let tries = 0; tries < 8; tries += 1) codes.push((await attempt()).code);
  t.same(new Set(codes), new Set(['SECOND_FACTOR_REQUIRED']));
});

t.test('voids a challenge when all sessions of the account end', async (t) => {
  const user = await enrolledUser();
  await login(user.username);
  t.equal((await challengesOf(user.id)).length, 1);
  await user.client.send('mutation { revokeOtherSessions }');
  t.same(await challengesOf(user.id), []);
});

t.test('deletes expired challenges', async (t) => {
  const user = await enrolledUser();
  await login(user.username);
  app.clock.advance(300_000);
  await app.runJob('clean up second-factor challenges');
  t.same(await challengesOf(user.id), []);
});
