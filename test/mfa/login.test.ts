import { eq } from 'drizzle-orm';
import t from 'tap';
import { auditEvents, secondFactorChallenges, sessions } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import type { ClientOptions } from '../helpers/client.js';
import { LOGIN, PASSWORD, registerAdmin, type SeededUser } from '../helpers/seed.js';
import { enrollTotp, LOGIN_WITH_FACTOR, totpCode, wrongCode } from '../helpers/totp.js';

const app = await startTestApp(t);
const { clock } = app;
const ORIGIN = 'http://auth.test';

async function enrolledUser() {
  const user = await app.user();
  const enrolled = await enrollTotp(user.client, () => clock.now());
  clock.advance(30_000);
  return { ...user, ...enrolled };
}
const login = ({ username }: SeededUser, input: object = {}, options?: ClientOptions) =>
  app.client(options).send(LOGIN, { input: { identifier: username, password: PASSWORD, ...input } });
const challengeOf = async (user: SeededUser) => (await login(user)).errors[0]!.extensions.challenge!;
const finish = (challenge: string, factor: object, options?: ClientOptions) =>
  app.client(options).send(LOGIN_WITH_FACTOR, { input: { challenge, ...factor } });
const right = ({ secret }: { secret: string }) => ({ totp: totpCode(secret, clock.now()) });
const wrong = ({ secret }: { secret: string }) => ({ totp: wrongCode(secret, clock.now()) });
const sessionsOf = (id: string) => app.db.executor.select().from(sessions).where(eq(sessions.userId, id));
const eventsOf = (id: string) =>
  app.db.executor.select().from(auditEvents).where(eq(auditEvents.userId, id)).orderBy(auditEvents.id);

t.test('accepts a challenge once', async (t) => {
  const user = await enrolledUser();
  const challenge = await challengeOf(user);
  t.equal((await finish(challenge, right(user))).code, undefined);
  clock.advance(30_000);
  t.equal((await finish(challenge, right(user))).code, 'INVALID_TOKEN');
  t.equal((await sessionsOf(user.id)).length, 2, 'the registration and one login');
});

t.test('rejects challenges that are unknown, malformed or expired', async (t) => {
  const user = await enrolledUser();
  const expired = await challengeOf(user);
  clock.advance(300_000);
  const answers = await Promise.all(
    [expired, 'A'.repeat(43), '', 'x', '\u0000'.repeat(43)].map((challenge) => finish(challenge, right(user))),
  );
  t.same(
    answers.map(({ code }) => code),
    answers.map(() => 'INVALID_TOKEN'),
  );
  t.equal((await sessionsOf(user.id)).length, 1);
});

t.test('rejects the right code for the challenge of another account', async (t) => {
  const [user, other] = [await enrolledUser(), await enrolledUser()];
  t.equal((await finish(await challengeOf(other), right(user))).code, 'INVALID_CODE');
  t.equal((await sessionsOf(other.id)).length, 1);
});

t.test('keeps a challenge valid after a wrong code', async (t) => {
  const user = await enrolledUser();
  const challenge = await challengeOf(user);
  t.equal((await finish(challenge, wrong(user))).code, 'INVALID_CODE');
  t.equal((await finish(challenge, right(user))).code, undefined);
});

t.test('voids a challenge after five wrong codes, from wherever they came', async (t) => {
  const user = await enrolledUser();
  const challenge = await challengeOf(user);
  // Each client has an address of its own, so that no wait begins.
  for (let tries = 0; tries < 5; tries += 1) t.equal((await finish(challenge, wrong(user))).code, 'INVALID_CODE');
  t.equal((await finish(challenge, right(user))).code, 'INVALID_TOKEN');
  t.equal((await sessionsOf(user.id)).length, 1);
});

t.test('counts wrong codes as failed logins, across challenges', async (t) => {
  const user = await enrolledUser();
  const ip = '198.51.100.7';
  const codes = [];
  for (let tries = 0; tries < 6; tries += 1) {
    const { code, errors } = await login(user, {}, { ip });
    codes.push(
      code === 'SECOND_FACTOR_REQUIRED'
        ? (await finish(errors[0]!.extensions.challenge!, wrong(user), { ip })).code
        : code,
    );
  }
  t.same(codes, [...Array<string>(5).fill('INVALID_CODE'), 'RATE_LIMIT_EXCEEDED']);
});

t.test('resets failures when the second factor is proved', async (t) => {
  const user = await enrolledUser();
  const ip = '198.51.100.8';
  for (let round = 0; round < 3; round += 1) {
    const challenge = (await login(user, {}, { ip })).errors[0]!.extensions.challenge!;
    for (let tries = 0; tries < 3; tries += 1) await finish(challenge, wrong(user), { ip });
    t.equal((await finish(challenge, right(user), { ip })).code, undefined);
    clock.advance(30_000);
  }
});

t.test('requires exactly one factor, and counts no try otherwise', async (t) => {
  const user = await enrolledUser();
  const challenge = await challengeOf(user);
  for (const factor of [{}, { totp: null }, { totp: '1', recoveryCode: '2' }])
    t.equal((await finish(challenge, factor)).code, 'VALIDATION_ERROR');
  const [row] = await app.db.executor
    .select()
    .from(secondFactorChallenges)
    .where(eq(secondFactorChallenges.userId, user.id));
  t.equal(row!.tries, 0);
});

t.test('opens no session for an account that was disabled meanwhile', async (t) => {
  const user = await enrolledUser();
  const admin = await registerAdmin(app);
  const challenge = await challengeOf(user);
  const disable =
    'mutation ($id: ID!, $disabled: Boolean) { updateUser(id: $id, input: { disabled: $disabled }) { id } }';
  await admin.client.send(disable, { id: user.id, disabled: true });
  t.equal((await finish(challenge, right(user))).code, 'INVALID_TOKEN');
  await admin.client.send(disable, { id: user.id, disabled: false });
  t.equal((await finish(challenge, right(user))).code, 'INVALID_TOKEN', 'the challenge stays void');
});

t.test('binds a challenge with the transport COOKIE to its browser', async (t) => {
  const user = await enrolledUser();
  const first = await login(user, { transport: 'COOKIE' }, { headers: { origin: ORIGIN } });
  const challenge = first.errors[0]!.extensions.challenge!;
  const [cookie] = [first.headers['set-cookie'] ?? []].flat();
  t.match(cookie, /^latchkey-challenge=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
  t.equal((await finish(challenge, right(user))).code, 'INVALID_TOKEN', 'without the cookie');
  const headers = { origin: ORIGIN, cookie: cookie!.split(';')[0]! };
  const done = await finish(challenge, right(user), { headers });
  t.equal(done.code, undefined);
  t.equal(done.data!['loginWithSecondFactor'].refreshToken, null);
  const set = [done.headers['set-cookie'] ?? []].flat();
  t.ok(set.some((each) => each.startsWith('latchkey-refresh=')));
  t.ok(
    set.some((each) => each.startsWith('latchkey-challenge=;')),
    'and clears its cookie',
  );
});

t.test('does not count tries of another browser', async (t) => {
  const user = await enrolledUser();
  const first = await login(user, { transport: 'COOKIE' }, { headers: { origin: ORIGIN } });
  const challenge = first.errors[0]!.extensions.challenge!;
  for (let tries = 0; tries < 6; tries += 1) t.equal((await finish(challenge, wrong(user))).code, 'INVALID_TOKEN');
  const cookie = [first.headers['set-cookie'] ?? []].flat()[0]!.split(';')[0]!;
  t.equal((await finish(challenge, right(user), { headers: { origin: ORIGIN, cookie } })).code, undefined);
});

t.test('audits the use and the failure of a factor', async (t) => {
  const user = await enrolledUser();
  const challenge = await challengeOf(user);
  await finish(challenge, wrong(user));
  await finish(challenge, right(user));
  const events = (await eventsOf(user.id)).slice(-3).map(({ type, detail }) => [type, detail]);
  t.same(events, [
    ['second_factor.failed', 'totp'],
    ['session.opened', 'by login'],
    ['second_factor.used', 'totp'],
  ]);
});

t.test('counts both steps of a login in the metrics', async (t) => {
  const counts = async () => {
    const { body } = await app.server.inject('/metrics');
    const of = (outcome: string) =>
      Number(new RegExp(`^latchkey_logins_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(body)?.[1] ?? 0);
    return ['second_factor_required', 'invalid_code', 'success'].map(of);
  };
  const user = await enrolledUser();
  const before = await counts();
  const challenge = await challengeOf(user);
  await finish(challenge, wrong(user));
  await finish(challenge, right(user));
  t.same(
    (await counts()).map((count, index) => count - before[index]!),
    [1, 1, 1],
  );
});
