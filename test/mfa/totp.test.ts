import { eq } from 'drizzle-orm';
import t from 'tap';
import { sessions, totpEnrollments, totpFactors } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, registerAdmin, type SeededUser } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';
import { CONFIRM_TOTP, enrollTotp, LOGIN_WITH_FACTOR, START_TOTP, totpCode, wrongCode } from '../helpers/totp.js';

const STEP_MS = 30_000;
const app = await startTestApp(t, { APP_NAME: 'Tom & Jérry: "100%"/?#' });
const { clock } = app;
const now = () => clock.now();
const FACTORS = '{ me { hasPassword secondFactors { totp { createdAt lastUsedAt } recoveryCodesLeft } } }';

const login = (identifier: string, input: object = {}) =>
  app.client().send(LOGIN, { input: { identifier, password: PASSWORD, ...input } });
async function challengeOf({ username }: SeededUser): Promise<string> {
  return (await login(username)).errors[0]!.extensions.challenge!;
}
const finish = (challenge: string, factor: object) =>
  app.client().send(LOGIN_WITH_FACTOR, { input: { challenge, ...factor } });
const sessionsOf = (id: string) => app.db.executor.select().from(sessions).where(eq(sessions.userId, id));

/** An account with an authenticator app, whose next code is fresh. */
async function enrolledUser() {
  const user = await app.user();
  const enrolled = await enrollTotp(user.client, now);
  clock.advance(STEP_MS);
  return { ...user, ...enrolled };
}

t.test('matches the test vectors of RFC 6238 in the helper that stands for an app', async (t) => {
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  t.equal(totpCode(secret, 59_000), '287082');
  t.equal(totpCode(secret, 1_111_111_109_000), '081804');
});

t.test('enrols an app that confirms with a code, and returns ten recovery codes once', async (t) => {
  const user = await app.user();
  const { recoveryCodes } = await enrollTotp(user.client, now);
  t.equal(new Set(recoveryCodes).size, 10);
  for (const code of recoveryCodes) t.match(code, /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
  t.match((await user.client.send(FACTORS)).data!['me'], {
    hasPassword: true,
    secondFactors: { totp: { createdAt: new Date(now()).toISOString(), lastUsedAt: null }, recoveryCodesLeft: 10 },
  });
});

t.test('names issuer and account in the URI, whatever their characters', async (t) => {
  const user = await app.user({ email: `it's+100%"?&#@mail.test`.replaceAll('"', '') });
  const { secret, uri } = (await user.client.send(START_TOTP)).data!['startTotpEnrollment'];
  const url = new URL(uri);
  t.equal(url.protocol, 'otpauth:');
  const [issuer, account] = decodeURIComponent(url.pathname.slice(1)).split(':');
  t.equal(issuer, 'Tom & Jérry  "100%"/?#');
  t.equal(account, user.email);
  const parameters = Object.fromEntries(url.searchParams);
  t.same(parameters, { issuer, secret, algorithm: 'SHA1', digits: '6', period: '30' });
});

t.test('changes nothing until a code confirms the enrolment', async (t) => {
  const user = await app.user();
  const { secret } = (await user.client.send(START_TOTP)).data!['startTotpEnrollment'];
  t.equal((await user.client.send(CONFIRM_TOTP, { code: wrongCode(secret, now()) })).code, 'INVALID_CODE');
  t.equal((await login(user.username)).code, undefined);
  t.equal((await user.client.send(CONFIRM_TOTP, { code: totpCode(secret, now()) })).code, undefined);
});

t.test('rejects a confirmation after the enrolment expired', async (t) => {
  const user = await app.user();
  const { secret } = (await user.client.send(START_TOTP)).data!['startTotpEnrollment'];
  clock.advance(600_000);
  const answer = await user.client.send(CONFIRM_TOTP, { code: totpCode(secret, now()) });
  t.match(answer, { code: 'VALIDATION_ERROR', errors: [{ extensions: { details: [{ field: 'code' }] } }] });
  await app.runJob('clean up authenticator enrolments');
  t.same(await app.db.executor.select().from(totpEnrollments).where(eq(totpEnrollments.userId, user.id)), []);
});

t.test('ends the other sessions at the first factor', async (t) => {
  const user = await app.user();
  const other = (await login(user.username)).data!['login'].accessToken as string;
  await enrollTotp(user.client, now);
  t.equal((await app.client({ token: other }).send('{ me { id } }')).code, 'INVALID_TOKEN');
  t.equal((await user.client.send('{ me { id } }')).code, undefined);
});

t.test('stores the secret encrypted', async (t) => {
  const { id, secret } = await enrolledUser();
  const [row] = await app.db.executor.select().from(totpFactors).where(eq(totpFactors.userId, id));
  t.notMatch(row!.secret, secret);
  t.notMatch(Buffer.from(row!.secret, 'base64url').toString('latin1'), secret);
});

t.test('opens a session of two factors with a code', async (t) => {
  const user = await enrolledUser();
  const answer = await finish(await challengeOf(user), { totp: totpCode(user.secret, now()) });
  t.equal(answer.code, undefined);
  const claims = claimsOf(answer.data!['loginWithSecondFactor'].accessToken as string);
  t.same(claims['amr'], ['pwd', 'otp', 'mfa']);
  t.equal(claims['auth_time'], Math.floor(now() / 1000));
});

t.test('applies rememberMe of the first step', async (t) => {
  const user = await enrolledUser();
  const { challenge } = (await login(user.username, { rememberMe: true })).errors[0]!.extensions;
  await finish(challenge!, { totp: totpCode(user.secret, now()) });
  t.same(
    (await sessionsOf(user.id)).map(({ rememberMe }) => rememberMe).sort(),
    [false, true],
    'the registration and the login',
  );
});

t.test('accepts a time step once', async (t) => {
  const user = await enrolledUser();
  const totp = totpCode(user.secret, now());
  t.equal((await finish(await challengeOf(user), { totp })).code, undefined);
  t.equal((await finish(await challengeOf(user), { totp })).code, 'INVALID_CODE');
});

t.test('rejects the code that confirmed the enrolment', async (t) => {
  const user = await app.user();
  const { secret } = await enrollTotp(user.client, now);
  t.equal((await finish(await challengeOf(user), { totp: totpCode(secret, now()) })).code, 'INVALID_CODE');
});

t.test('rejects the code of an earlier step than the last accepted one', async (t) => {
  const user = await enrolledUser();
  const earlier = totpCode(user.secret, now());
  clock.advance(STEP_MS);
  t.equal((await finish(await challengeOf(user), { totp: totpCode(user.secret, now()) })).code, undefined);
  t.equal((await finish(await challengeOf(user), { totp: earlier })).code, 'INVALID_CODE');
});

t.test('accepts codes of clocks that differ by one step, and no more', async (t) => {
  for (const [ahead, code] of [
    [-2, 'INVALID_CODE'],
    [-1, undefined],
    [1, undefined],
    [2, 'INVALID_CODE'],
  ] as const) {
    const user = await enrolledUser();
    clock.advance(3 * STEP_MS);
    const totp = totpCode(user.secret, now() + ahead * STEP_MS);
    t.equal((await finish(await challengeOf(user), { totp })).code, code, `${ahead} steps ahead`);
  }
});

t.test('accepts codes with spaces, dashes and full-width digits', async (t) => {
  const spellings = [
    (code: string) => ` ${code.slice(0, 3)} ${code.slice(3)}\n`,
    (code: string) => `${code.slice(0, 3)}-${code.slice(3)}`,
    (code: string) => code.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  ];
  const answers = [];
  for (const spell of spellings) {
    const user = await enrolledUser();
    answers.push((await finish(await challengeOf(user), { totp: spell(totpCode(user.secret, now())) })).code);
  }
  t.same(answers, [undefined, undefined, undefined]);
});

t.test('rejects malformed codes as wrong ones', async (t) => {
  const malformed = ['', '12345', '1234567', 'abcdef', '٣٣٣٣٣٣', '1'.repeat(10_000), '-1', '1e5', '\u0000'];
  const answers = [];
  for (const totp of malformed) {
    const user = await enrolledUser();
    answers.push((await finish(await challengeOf(user), { totp })).code);
  }
  t.same(
    answers,
    malformed.map(() => 'INVALID_CODE'),
  );
});

t.test('replaces the app by a second enrolment, and keeps the recovery codes', async (t) => {
  const user = await enrolledUser();
  const again = await enrollTotp(user.client, now);
  t.same(again.recoveryCodes, []);
  clock.advance(STEP_MS);
  t.equal((await finish(await challengeOf(user), { totp: totpCode(user.secret, now()) })).code, 'INVALID_CODE');
  t.equal((await finish(await challengeOf(user), { totp: totpCode(again.secret, now()) })).code, undefined);
});

t.test('removes the app and its recovery codes', async (t) => {
  const user = await enrolledUser();
  t.equal((await user.client.send('mutation { removeTotp }')).data?.['removeTotp'], true);
  t.equal((await login(user.username)).code, undefined);
  t.match((await user.client.send(FACTORS)).data!['me'].secondFactors, { totp: null, recoveryCodesLeft: 0 });
  t.equal((await user.client.send('mutation { removeTotp }')).code, 'NOT_FOUND');
});

t.test('requires a recent login for every change of factors', async (t) => {
  const user = await enrolledUser();
  clock.advance(14 * 60_000);
  const { accessToken } = (
    await app
      .client()
      .send('mutation ($t: String!) { refresh(refreshToken: $t) { accessToken } }', { t: user.refreshToken })
  ).data!['refresh'];
  clock.advance(2 * 60_000);
  const client = app.client({ token: accessToken });
  const fields = [
    'startTotpEnrollment { secret }',
    'confirmTotpEnrollment(code: "1") { codes }',
    'removeTotp',
    'regenerateRecoveryCodes { codes }',
  ];
  const answers = await Promise.all(fields.map((field) => client.send(`mutation { ${field} }`)));
  for (const answer of answers)
    t.match(answer, {
      code: 'STEP_UP_REQUIRED',
      errors: [{ extensions: { methods: ['TOTP', 'RECOVERY_CODE'] } }],
    });
  t.equal((await app.db.executor.select().from(totpFactors).where(eq(totpFactors.userId, user.id))).length, 1);
});

t.test('hides the factors of other accounts from administrators', async (t) => {
  const user = await app.user();
  const admin = await registerAdmin(app);
  for (const field of ['hasPassword', 'secondFactors { recoveryCodesLeft }'])
    t.equal(
      (await admin.client.send(`query ($id: ID!) { user(id: $id) { ${field} } }`, { id: user.id })).code,
      'INSUFFICIENT_PERMISSIONS',
    );
});
