/** The reset page of accounts with second factors. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { mailedPage } from '../helpers/mailed-page.js';
import { LOGIN, PASSWORD } from '../helpers/seed.js';
import { enrollTotp, totpCode, wrongCode } from '../helpers/totp.js';

const app = await startTestApp(t);
const NEW_PASSWORD = 'a brand new brass telescope';
const PASSWORDS = { password: NEW_PASSWORD, passwordConfirmation: NEW_PASSWORD };
const loginCode = async (identifier: string, password: string) =>
  (await app.client().send(LOGIN, { input: { identifier, password } })).code;

/** An account with an app, and a browser that opened the link to reset its password. */
async function opened() {
  const user = await app.user();
  const enrolled = await enrollTotp(user.client, () => app.clock.now());
  app.clock.advance(30_000);
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const link = /http\S+reset-password\?token=\S+/.exec((await app.mailTo(user.email)).at(-1)!.text)![0];
  const page = mailedPage(app.server);
  const shown = await page.open(link);
  return { ...user, ...enrolled, page, shown };
}

t.test('changes the password with a code of the app', async (t) => {
  const user = await opened();
  t.match(user.shown, { statusCode: 200, body: 'name="code"' });
  const done = await user.page.press({ ...PASSWORDS, code: totpCode(user.secret, app.clock.now()) });
  t.match(done, { statusCode: 200, body: 'Your password was changed' });
  t.equal(await loginCode(user.username, NEW_PASSWORD), 'SECOND_FACTOR_REQUIRED');
  t.ok((await auditOf(app.db, user.id)).some(({ type, detail }) => type === 'second_factor.used' && detail === 'totp'));
});

t.test('changes the password with a recovery code', async (t) => {
  const user = await opened();
  const done = await user.page.press({ ...PASSWORDS, code: user.recoveryCodes[0]!.toUpperCase() });
  t.match(done, { statusCode: 200, body: 'Your password was changed' });
});

t.test('changes nothing without a code or with a wrong one, and keeps the link valid', async (t) => {
  const user = await opened();
  t.match(await user.page.press(PASSWORDS), { statusCode: 400, body: 'id="code-error"' });
  t.match(await user.page.press({ ...PASSWORDS, code: ' ' }), { statusCode: 400, body: 'id="code-error"' });
  const wrong = { ...PASSWORDS, code: wrongCode(user.secret, app.clock.now()) };
  t.match(await user.page.press(wrong), { statusCode: 401, body: /role="alert"[^]*name="code"/ });
  t.equal(await loginCode(user.username, NEW_PASSWORD), 'INVALID_CREDENTIALS');
  t.equal(await loginCode(user.username, PASSWORD), 'SECOND_FACTOR_REQUIRED');
  const right = { ...PASSWORDS, code: totpCode(user.secret, app.clock.now()) };
  t.equal((await user.page.press(right)).statusCode, 200);
});

t.test('uses no code while the new password is refused', async (t) => {
  const user = await opened();
  const code = totpCode(user.secret, app.clock.now());
  t.equal(
    (await user.page.press({ ...PASSWORDS, password: 'x', code })).statusCode,
    400,
    'an invalid password uses none',
  );
  t.equal((await user.page.press({ ...PASSWORDS, code })).statusCode, 200);
  t.match((await user.page.press({ ...PASSWORDS, code })).body, 'Already done');
});

t.test('counts wrong codes as failed logins', async (t) => {
  const user = await opened();
  const wrong = { ...PASSWORDS, code: wrongCode(user.secret, app.clock.now()) };
  for (let tries = 0; tries < 5; tries += 1) t.equal((await user.page.press(wrong)).statusCode, 401);
  const right = { ...PASSWORDS, code: totpCode(user.secret, app.clock.now()) };
  const waiting = await user.page.press(right);
  t.equal(waiting.statusCode, 429);
  t.match(waiting.headers, { 'retry-after': /^\d+$/ });
  const failures = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'second_factor.failed');
  t.equal(failures.length, 5);
});
