/** The links in mail, opened on the API itself as the default APP_URL has them: no frontend, no script. */
import t from 'tap';
import { startTestApp, type TestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, tokenIn } from '../helpers/seed.js';

const NEW_PASSWORD = 'a brand new brass telescope';
const app = await startTestApp(t);
const linkIn = (mails: readonly { text: string }[]) => /http\S+token=\S+/.exec(mails.at(-1)!.text)![0];
const get = (from: TestApp, link: string) => from.server.inject({ method: 'GET', url: pathOf(link) });
const post = (from: TestApp, link: string, fields: Record<string, string>) =>
  from.server.inject({
    method: 'POST',
    url: new URL(link).pathname,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ token: new URL(link).searchParams.get('token')!, ...fields }).toString(),
  });
const login = (identifier: string, password: string) => app.client().send(LOGIN, { input: { identifier, password } });

t.test('a mailed reset link leads to a form that sets the password; looking at it spends nothing', async (t) => {
  const user = await app.user();
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const link = linkIn(await app.mailTo(user.email));
  t.match(link, /^http:\/\/auth\.test\/reset-password\?token=[\w-]{43}$/);
  for (let scan = 0; scan < 3; scan += 1) t.equal((await get(app, link)).statusCode, 200);
  const short = await post(app, link, { password: 'short', passwordConfirmation: 'short' });
  t.equal(short.statusCode, 400);
  const done = await post(app, link, { password: NEW_PASSWORD, passwordConfirmation: NEW_PASSWORD });
  t.equal(done.statusCode, 200);
  t.equal(done.headers['set-cookie'], undefined, 'the page opens no session');
  t.equal((await login(user.username, NEW_PASSWORD)).code, undefined);
  t.equal((await login(user.username, PASSWORD)).code, 'INVALID_CREDENTIALS');
  t.equal((await post(app, link, { password: NEW_PASSWORD, passwordConfirmation: NEW_PASSWORD })).statusCode, 401);
});

t.test('a mailed confirmation link leads to a button that confirms', async (t) => {
  const user = await app.user();
  const link = linkIn(await app.mailTo(user.email));
  t.equal((await get(app, link)).statusCode, 200);
  const isVerified = async () => (await user.client.send('{ me { isVerified } }')).data!['me'].isVerified as boolean;
  t.equal(await isVerified(), false);
  t.equal((await post(app, link, {})).statusCode, 200);
  t.equal(await isVerified(), true);
  t.equal((await post(app, link, {})).statusCode, 401, 'once');
});

t.test('APP_URL points the links elsewhere; a Host header never does', async (t) => {
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

t.test('nothing of a token or a password is logged', async (t) => {
  const user = await app.user();
  const link = linkIn(await app.mailTo(user.email));
  await get(app, link);
  await post(app, link, {});
  const logged = JSON.stringify(app.logs);
  t.notOk(logged.includes(new URL(link).searchParams.get('token')!));
  t.notOk(logged.includes(NEW_PASSWORD));
});

function pathOf(link: string): string {
  const { pathname, search } = new URL(link);
  return pathname + search;
}
