/** The links in mail, opened on the API itself as the default APP_URL has them: no frontend, no script. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { mailedPage } from '../helpers/mailed-page.js';
import { LOGIN, PASSWORD, tokenIn } from '../helpers/seed.js';

const NEW_PASSWORD = 'a brand new brass telescope';
const app = await startTestApp(t);
const linkIn = (mails: readonly { text: string }[]) => /http\S+token=\S+/.exec(mails.at(-1)!.text)![0];
const person = () => mailedPage(app.server);
const login = (identifier: string, password: string) => app.client().send(LOGIN, { input: { identifier, password } });

t.test('opens a form from a reset link without consuming the token; submitting sets the password', async (t) => {
  const user = await app.user();
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const link = linkIn(await app.mailTo(user.email));
  t.match(link, /^http:\/\/auth\.test\/reset-password\?token=[\w-]{43}$/);
  for (let scan = 0; scan < 3; scan += 1) t.equal((await person().open(link)).statusCode, 200);
  const page = person();
  await page.open(link);
  t.equal((await page.press({ password: 'short', passwordConfirmation: 'short' })).statusCode, 400);
  const passwords = { password: NEW_PASSWORD, passwordConfirmation: NEW_PASSWORD };
  const done = await page.press(passwords);
  t.equal(done.statusCode, 200);
  t.equal(done.headers['set-cookie'], undefined, 'the page opens no session');
  t.equal((await login(user.username, NEW_PASSWORD)).code, undefined);
  t.equal((await login(user.username, PASSWORD)).code, 'INVALID_CREDENTIALS');
  t.match(await page.press(passwords), { statusCode: 200, body: '<h1>Already done</h1>' }, 'a second press');
});

t.test('confirms the address with the button behind a verification link', async (t) => {
  const user = await app.user();
  const page = person();
  t.equal((await page.open(linkIn(await app.mailTo(user.email)))).statusCode, 200);
  const isVerified = async () => (await user.client.send('{ me { isVerified } }')).data!['me'].isVerified as boolean;
  t.equal(await isVerified(), false);
  t.match(await page.press(), { statusCode: 200, body: 'is confirmed' });
  t.equal(await isVerified(), true);
  t.match(await page.press(), { statusCode: 200, body: 'already confirmed' });
  t.match(
    await page.press({ answer: 'no' }),
    { statusCode: 200, body: 'already confirmed' },
    'the first answer counts',
  );
  t.equal(await isVerified(), true);
});

t.test('applies one of two concurrent submissions and reports it on both pages', async (t) => {
  const user = await app.user();
  const page = person();
  await page.open(linkIn(await app.mailTo(user.email)));
  const answers = await Promise.all(['yes', 'no', 'yes', 'no'].map((answer) => page.press({ answer })));
  t.same(
    answers.map(({ statusCode }) => statusCode),
    [200, 200, 200, 200],
  );
  const first = answers.filter(({ body }) => !body.includes('Already done'));
  t.equal(first.length, 1);
  const { data } = await user.client.send('{ me { email isVerified } }');
  const kept = first[0]!.body.includes('is confirmed');
  t.same([data!['me'].isVerified, data!['me'].email === user.email], [kept, kept]);
});

t.test('cancels an address change with the button behind the mailed link', async (t) => {
  const user = await app.user();
  const email = `new-${user.email}`;
  await user.client.send('mutation ($email: String) { updateMe(input: { email: $email }) { id } }', { email });
  const link = linkIn(await app.mailTo(user.email));
  t.match(link, /^http:\/\/auth\.test\/cancel-email-change\?token=[\w-]+$/);
  const pendingEmail = async () =>
    (await user.client.send('{ me { pendingEmail } }')).data?.['me'].pendingEmail as string;
  const page = person();
  t.match(await page.open(link), { statusCode: 200, body: 'Cancel the change' });
  t.equal(await pendingEmail(), email, 'opening the link cancels nothing');
  t.match(await page.press(), { statusCode: 200, body: 'The change was cancelled' });
  t.equal((await user.client.send('{ me { id } }')).code, 'INVALID_TOKEN', 'every session ended');
  t.match(await page.press(), { statusCode: 200, body: 'Already done' });
  const confirmation = person();
  await confirmation.open(linkIn(await app.mailTo(email)));
  t.match(await confirmation.press(), { statusCode: 401, body: 'no longer valid' });
});

t.test('rejects a link that a newer one replaced', async (t) => {
  const user = await app.user();
  const page = person();
  await page.open(linkIn(await app.mailTo(user.email)));
  await user.client.send('mutation { requestEmailVerification }');
  await app.mailTo(user.email);
  t.match(await page.press(), { statusCode: 401, body: 'no longer valid' });
});

t.test('builds links from APP_URL and never from the Host header', async (t) => {
  const elsewhere = await startTestApp(t, { APP_URL: 'https://app.example.com/account/' });
  const user = await elsewhere.user();
  const mails = await elsewhere.mailTo(user.email);
  t.match(linkIn(mails), /^https:\/\/app\.example\.com\/account\/verify-email\?token=/);
  const hosted = await app.user();
  await app
    .client({ headers: { host: 'evil.test', 'x-forwarded-host': 'evil.test' } })
    .send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: hosted.email });
  const reset = await app.mailTo(hosted.email);
  t.notMatch(JSON.stringify(reset), /evil/);
  t.ok(tokenIn(reset));
});

t.test('logs neither tokens nor passwords', async (t) => {
  const user = await app.user();
  const link = linkIn(await app.mailTo(user.email));
  const page = person();
  await page.open(link);
  await page.press();
  const logged = JSON.stringify(app.logs);
  t.notOk(logged.includes(new URL(link).searchParams.get('token')!));
  t.notOk(logged.includes(NEW_PASSWORD));
});
