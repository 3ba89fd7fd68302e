/** The ceilings of consecutive failures, of the password and of the second step. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { passwordAttempts } from '../../src/db/schema/index.js';
import { ceilingKeys } from '../../src/passwords/counters.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { requestCode } from '../helpers/email-codes.js';
import { loginWithPasskey, registerPasskey } from '../helpers/passkeys.js';
import { LOGIN, PASSWORD, tokenIn, type SeededUser } from '../helpers/seed.js';
import { enrollTotp, LOGIN_WITH_FACTOR, totpCode, wrongCode } from '../helpers/totp.js';

const app = await startTestApp(t, { EMAIL_LOGIN: 'true' });
const now = () => app.clock.now();
const WRONG = 'wrong horse battery staple';
const BY_CODE = 'mutation ($input: EmailCodeInput!) { loginWithEmailCode(input: $input) { accessToken } }';
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }';

async function enrolledUser() {
  const user = await app.user();
  const enrolled = await enrollTotp(user.client, now);
  app.clock.advance(30_000);
  return { ...user, ...enrolled };
}
const login = ({ username }: SeededUser, password = PASSWORD) =>
  app.client().send(LOGIN, { input: { identifier: username, password } });
const challengeOf = async (user: SeededUser) => (await login(user)).errors[0]!.extensions.challenge!;
const finish = (challenge: string, factor: object) =>
  app.client().send(LOGIN_WITH_FACTOR, { input: { challenge, ...factor } });
const right = ({ secret }: { secret: string }) => ({ totp: totpCode(secret, now()) });
const wrong = ({ secret }: { secret: string }) => ({ totp: wrongCode(secret, now()) });

/** Makes the failures of an account so many in a row, after a first one. */
async function setFailures(key: string | undefined, failures: number): Promise<void> {
  const { db } = app;
  const rows = await db.executor
    .update(passwordAttempts)
    .set({ failures })
    .where(eq(passwordAttempts.key, key!))
    .returning();
  if (rows.length !== 1) throw new Error('Nothing failed before');
}
async function lockSecondStep(user: SeededUser & { secret: string }): Promise<void> {
  await finish(await challengeOf(user), wrong(user));
  await setFailures(ceilingKeys(user.id)[1], 99);
  await finish(await challengeOf(user), wrong(user));
}

t.test('wrong passwords of strangers do not lock the second step', async (t) => {
  const user = await enrolledUser();
  await login(user, WRONG);
  await setFailures(ceilingKeys(user.id)[0], 99);
  await login(user, WRONG);
  t.equal((await login(user)).code, 'INVALID_CREDENTIALS', 'the password is locked');
  const { code } = await requestCode(app, user.email);
  const first = await app.client().send(BY_CODE, { input: { email: user.email, code } });
  t.equal((await finish(first.errors[0]!.extensions.challenge!, right(user))).code, undefined);
  t.equal((await login(user)).code, 'SECOND_FACTOR_REQUIRED', 'a complete sign-in unlocks the password');
});

t.test('a hundred wrong codes lock the codes of the app, audit it and notify the owner', async (t) => {
  const user = await enrolledUser();
  await lockSecondStep(user);
  t.equal((await finish(await challengeOf(user), right(user))).code, 'INVALID_CODE');
  const locked = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'account.locked');
  t.match(locked, [{ detail: 'second factor' }]);
  const mails = (await app.mailTo(user.email)).filter(({ subject }) => subject.startsWith('Too many wrong codes'));
  t.equal(mails.length, 1);

  const reset = await app
    .client()
    .send(RESET, { input: { token: tokenIn(mails), password: 'a quiet brass telescope' } });
  t.equal(reset.code, 'SECOND_FACTOR_REQUIRED');
  app.clock.advance(30_000);
  t.equal((await finish(reset.errors[0]!.extensions.challenge!, right(user))).code, undefined, 'the link unlocks them');
});

t.test('a recovery code works while the codes of the app are locked, and unlocks them', async (t) => {
  const user = await enrolledUser();
  await lockSecondStep(user);
  const [recoveryCode] = user.recoveryCodes;
  t.equal((await finish(await challengeOf(user), { recoveryCode })).code, undefined);
  t.equal((await finish(await challengeOf(user), right(user))).code, undefined);
});

t.test('a passkey works while the codes of the app are locked', async (t) => {
  const user = await enrolledUser();
  const { authenticator } = await registerPasskey(user.client);
  await lockSecondStep(user);
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, undefined);
});
