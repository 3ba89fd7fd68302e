/** The pages behind mailed links in Chromium, for accounts with second factors. Scripts of the pages would not run. */
import { chromium, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { startTestApp } from '../helpers/app.js';
import { requestCode } from '../helpers/email-codes.js';
import { registerPasskey } from '../helpers/passkeys.js';
import { reverseProxy } from '../helpers/reverse-proxy.js';
import { LOGIN, PASSWORD } from '../helpers/seed.js';
import { listen } from '../helpers/server.js';
import { enrollTotp, totpCode } from '../helpers/totp.js';
import { LAUNCH } from './playground.js';

const NEW_PASSWORD = 'a brand new brass telescope';
const CODE = 'Code of your authenticator app, or a recovery code';

t.setTimeout(240_000);
const browser = await chromium.launch(LAUNCH);
const proxy = await reverseProxy(t);
const origin = `http://localhost:${proxy.port}`;
const app = await startTestApp(t, { PUBLIC_URL: origin, RATE_LIMIT_ANONYMOUS: '1000/1m', EMAIL_LOGIN: 'true' });
proxy.upstreamPort = await listen(app.server);
// Before the server's own teardown, which would wait for the connections that the browser holds open.
t.teardown(() => browser.close());

const now = () => app.clock.now();
const loginCode = async (identifier: string, password: string) =>
  (await app.client().send(LOGIN, { input: { identifier, password } })).code;

/** A page of a new browser profile, on which the content security policy blocks nothing that it needs. */
async function visit(t: Test, link: string): Promise<Page> {
  const context = await browser.newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) t.fail(message.text());
  });
  await page.goto(link);
  return page;
}

/** Opens the link to reset the password of an account. */
async function reset(t: Test, email: string): Promise<Page> {
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email });
  const link = /http\S+reset-password\?token=\S+/.exec((await app.mailTo(email)).at(-1)!.text)![0];
  const page = await visit(t, link);
  await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByLabel('Confirm the new password').fill(NEW_PASSWORD);
  return page;
}
const press = (page: Page, name: string) => page.getByRole('button', { name }).click();
const heading = (page: Page, name: string) => page.getByRole('heading', { name }).waitFor();

async function enrolledUser() {
  const user = await app.user();
  const enrolled = await enrollTotp(user.client, now);
  app.clock.advance(30_000);
  return { ...user, ...enrolled };
}

t.test('/reset-password changes the password with a code of the app, after a wrong one', async (t) => {
  const user = await enrolledUser();
  const page = await reset(t, user.email);
  await press(page, 'Change password');
  t.equal(await page.locator('#code:invalid').count(), 1, 'the code is required');
  await page.getByLabel(CODE).fill(user.recoveryCodes[0]!.replace(/^./, 'Z'));
  await press(page, 'Change password');
  await page.getByRole('alert').waitFor();
  t.equal(await loginCode(user.username, PASSWORD), 'SECOND_FACTOR_REQUIRED', 'the password is unchanged');
  t.equal(await page.getByLabel('New password', { exact: true }).inputValue(), '');

  await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByLabel('Confirm the new password').fill(NEW_PASSWORD);
  await page.getByLabel(CODE).fill(totpCode(user.secret, now()));
  await press(page, 'Change password');
  await heading(page, 'Your password was changed');
  t.equal(await loginCode(user.username, NEW_PASSWORD), 'SECOND_FACTOR_REQUIRED');
  t.notMatch(page.url(), 'token');
});

t.test('/reset-password changes the password with a recovery code', async (t) => {
  const user = await enrolledUser();
  const page = await reset(t, user.email);
  await page.getByLabel(CODE).fill(user.recoveryCodes[0]!);
  await press(page, 'Change password');
  await heading(page, 'Your password was changed');
  const status = await app.mailTo(user.email);
  t.ok(status.some(({ subject }) => /recovery code was used/i.test(subject)));
});

t.test('/reset-password says that the next sign-in needs the passkey', async (t) => {
  const user = await app.user();
  await registerPasskey(user.client, { origin });
  const page = await reset(t, user.email);
  await page.getByText('Your account has a passkey.').waitFor();
  t.equal(await page.getByLabel(CODE).count(), 0);
  await press(page, 'Change password');
  await heading(page, 'Your password was changed');
  await page.getByText('Sign in with the new password and your passkey').waitFor();
  t.equal(await loginCode(user.username, NEW_PASSWORD), 'SECOND_FACTOR_REQUIRED');
});

t.test('/email-code signs in with a code of the app, and says after a reload that it is finished', async (t) => {
  const user = await enrolledUser();
  const page = await visit(t, (await requestCode(app, user.email)).link);
  await press(page, 'Sign in');
  await page.getByLabel(CODE).fill(totpCode(user.secret, now()));
  await press(page, 'Sign in');
  await heading(page, 'You are signed in');
  t.ok((await page.context().cookies()).some(({ name, httpOnly }) => name === 'latchkey-refresh' && httpOnly));
  await page.reload();
  await heading(page, 'This page is no longer valid');
  await page.getByText('The sign-in was finished').waitFor();
});
