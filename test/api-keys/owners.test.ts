/** Keys whose owner must enrol, or may have been another person; and floods of wrong keys. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { createApiKeyFormat } from '../../src/api-keys/format.js';
import { apiKeys } from '../../src/db/schema/index.js';
import { createKey, sendWithKey } from '../helpers/api-keys.js';
import { startTestApp, type TestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN_BY_CODE, requestCode } from '../helpers/email-codes.js';
import { ME, PASSWORD, tokenIn, UPDATE_ME } from '../helpers/seed.js';
import { sentBy } from '../helpers/statements.js';

const app = await startTestApp(t, { EMAIL_LOGIN: 'true' });
const ask = async (key: string, from: TestApp = app) => (await sendWithKey(from.client(), key, ME)).code;
const unrevoked = async (userId: string) =>
  (await app.db.executor.select().from(apiKeys).where(eq(apiKeys.userId, userId))).filter(
    ({ revokedAt }) => revokedAt === null,
  );

t.test('the first sign-in by a mailed code voids the keys that were made before, and no later one does', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const { code } = await requestCode(app, user.email);
  const { data } = await app.client().send(LOGIN_BY_CODE, { input: { email: user.email, code } });
  t.equal(await ask(key), 'INVALID_API_KEY');
  t.match(
    (await auditOf(app.db, user.id)).filter(({ type }) => type === 'api_key.revoked'),
    [{ detail: 'all 1' }],
  );
  const owner = app.client({ token: data!['loginWithEmailCode'].accessToken });
  const later = await createKey(owner);
  const second = await requestCode(app, user.email);
  await app.client().send(LOGIN_BY_CODE, { input: { email: user.email, code: second.code } });
  t.equal(await ask(later.key), undefined);
});

t.test(
  'a password reset voids keys if it confirms the address for the first time, and leaves them afterwards',
  async (t) => {
    const user = await app.user();
    const { key } = await createKey(user.client);
    async function reset() {
      await app
        .client()
        .send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
      const token = tokenIn(await app.mailTo(user.email));
      const { data } = await app
        .client()
        .send('mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }', {
          input: { token, password: 'another long password' },
        });
      return app.client({ token: data!['resetPassword'].accessToken });
    }
    const owner = await reset();
    t.equal(await ask(key), 'INVALID_API_KEY');
    const later = await createKey(owner);
    await reset();
    t.equal(await ask(later.key), undefined);
  },
);

t.test('the cancellation of a change by its owner voids keys', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  await user.client.send(UPDATE_ME, { input: { username: `${user.username}x`, currentPassword: PASSWORD } });
  const token = tokenIn((await app.mailTo(user.email)).filter(({ text }) => text.includes('cancel-email-change')));
  const { code } = await app
    .client()
    .send('mutation ($token: String!) { cancelEmailChange(token: $token) }', { token });
  t.equal(code, undefined);
  t.equal(await ask(key), 'INVALID_API_KEY');
  t.same(await unrevoked(user.id), []);
});

t.test('the key of an account that must enrol a second factor may do nothing', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const strict = await startTestApp(t, { REQUIRE_SECOND_FACTOR: 'all' }, app.db, app.clock);
  t.equal(await ask(key, strict), 'SECOND_FACTOR_ENROLLMENT_REQUIRED');
  const enrol = await sendWithKey(strict.client(), key, 'mutation { startTotpEnrollment { uri } }');
  t.equal(enrol.code, 'INSUFFICIENT_PERMISSIONS');
});

t.test('a flood of invented keys is limited by network, and costs no query above the limit', async (t) => {
  const limited = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '20/15m' }, app.db, app.clock);
  const user = await app.user();
  const { key } = await createKey(user.client);
  t.equal(await ask(key, limited), undefined, 'a known key');
  const format = createApiKeyFormat('sk_live_');
  const ip = '198.51.100.7';
  const codes: (string | undefined)[] = [];
  const sent = await sentBy(app.db, async () => {
    for (let each = 0; each < 60; each += 1)
      codes.push((await sendWithKey(limited.client({ ip }), format.generate().key, ME)).code);
  });
  t.equal(codes.filter((code) => code === 'INVALID_API_KEY').length, 20);
  t.equal(codes.filter((code) => code === 'RATE_LIMIT_EXCEEDED').length, 40);
  t.equal(sent.filter(({ text }) => text.includes('"api_keys"')).length, 20);
  t.equal((await sendWithKey(limited.client({ ip }), key, ME)).code, undefined, 'a known key counts for its owner');
});
