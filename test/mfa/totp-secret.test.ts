/** Authenticator apps whose secret was encrypted with an AUTH_SECRET that is no longer set. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { sessions, totpFactors } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, PASSWORD } from '../helpers/seed.js';
import { CONFIRM_TOTP, enrollTotp, LOGIN_WITH_FACTOR, START_TOTP, totpCode } from '../helpers/totp.js';

const WARNING = 'An authenticator app cannot be verified: its AUTH_SECRET is no longer set';
const app = await startTestApp(t);
const { clock } = app;
const rotated = await startTestApp(
  t,
  {
    AUTH_SECRET: 'another test secret of thirty-two bytes',
    // The signing key in the database needs the earlier secret.
    JWT_ALGORITHM: 'HS256',
    JWT_SECRET_KEY: 'a test signing secret of thirty-two bytes',
  },
  app.db,
  clock,
);
const login = (identifier: string) => rotated.client().send(LOGIN, { input: { identifier, password: PASSWORD } });
const warnings = (id: string) => rotated.logs.filter(({ userId, msg }) => userId === id && msg === WARNING).length;

t.test('rejects the codes of the app, logs it, and accepts recovery codes', async (t) => {
  const user = await app.user();
  const { secret, recoveryCodes } = await enrollTotp(user.client, () => clock.now());
  clock.advance(30_000);
  const challenge = (await login(user.username)).errors[0]!.extensions.challenge!;
  const second = (factor: object) => rotated.client().send(LOGIN_WITH_FACTOR, { input: { challenge, ...factor } });
  const sessionsOf = () => app.db.executor.select().from(sessions).where(eq(sessions.userId, user.id));
  const { length } = await sessionsOf();
  t.equal((await second({ totp: totpCode(secret, clock.now()) })).code, 'INVALID_CODE');
  t.equal((await sessionsOf()).length, length);
  t.equal(warnings(user.id), 1);
  t.ok((await auditOf(app.db, user.id)).some(({ type }) => type === 'second_factor.failed'));
  t.equal((await second({ recoveryCode: recoveryCodes[0] })).code, undefined);
});

t.test('refuses to confirm an enrolment, which can be started again', async (t) => {
  const user = await app.user();
  const { secret } = (await user.client.send(START_TOTP)).data!['startTotpEnrollment'];
  const token = (await login(user.username)).data!['login'].accessToken as string;
  const client = rotated.client({ token });
  t.equal((await client.send(CONFIRM_TOTP, { code: totpCode(secret, clock.now()) })).code, 'VALIDATION_ERROR');
  t.same(await app.db.executor.select().from(totpFactors).where(eq(totpFactors.userId, user.id)), []);
  t.equal(warnings(user.id), 1);
  t.equal((await enrollTotp(client, () => clock.now())).recoveryCodes.length, 10);
});
