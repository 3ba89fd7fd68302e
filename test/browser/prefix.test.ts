/** The playground and a mailed page below a path prefix, behind a proxy that removes the prefix and one that passes it on. */
import { chromium } from 'playwright-core';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { reverseProxy } from '../helpers/reverse-proxy.js';
import { LOGIN } from '../helpers/seed.js';
import { listen } from '../helpers/server.js';
import { changeUntilShown, LAUNCH, playground } from './playground.js';

t.setTimeout(480_000);
const browser = await chromium.launch(LAUNCH);
const proxy = await reverseProxy(t);
const origin = `http://127.0.0.1:${proxy.port}`;
const app = await startTestApp(t, { PUBLIC_URL: `${origin}/auth`, RATE_LIMIT_ANONYMOUS: '1000/1m' });
proxy.upstreamPort = await listen(app.server);
// Before the server's own teardown, which would wait for the connections that the browser holds open.
t.teardown(() => browser.close());

for (const [how, strip] of [
  ['removes', '/auth'],
  ['passes on', ''],
] as const) {
  t.test(`behind a proxy that ${how} the prefix, the playground logs in, queries and subscribes`, async (t) => {
    proxy.strip = strip;
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const { problems, requests, line, run, tab, tool, parts } = playground(page);
    await page.goto(`${origin}/auth/graphiql`);
    await line(parts.query, 'mutation Register').waitFor();
    await line(parts.variables, '"password": ').waitFor();
    // The first round's account is the second's.
    if (strip) {
      await run('register');
    } else {
      await tab('Login');
      await line(parts.query, 'mutation Login').waitFor();
      await line(parts.variables, '"identifier": ').waitFor();
      await run('login');
    }
    await tab('Me');
    await tool('Headers');
    await line(parts.headers, 'Bearer ').waitFor();
    await run('me');
    await tab('Follow');
    await line(parts.query, 'meUpdated').waitFor();
    const socket = page.waitForEvent('websocket');
    await page.locator('.graphiql-execute-button').click();
    t.equal((await socket).url(), `ws://127.0.0.1:${proxy.port}/auth/graphql`);
    await changeUntilShown(app, line(parts.response, '"displayName": "Lady Ada'));
    t.same(
      requests.filter((url) => !url.startsWith(`${origin}/auth/`) && !url.startsWith('data:')),
      [],
      'everything is below the prefix',
    );
    t.same(problems, []);
    await page.close();
  });

  t.test(`behind a proxy that ${how} the prefix, a mailed link works, and the address has no token`, async (t) => {
    proxy.strip = strip;
    const user = await app.user();
    await app
      .client()
      .send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
    const link = /http\S+token=\S+/.exec((await app.mailTo(user.email)).at(-1)!.text)![0];
    const page = await browser.newPage();
    await page.goto(link);
    t.equal(page.url(), `${origin}/auth/reset-password`);
    const [cookie] = await page.context().cookies();
    t.match(cookie, { name: 'latchkey-reset-password', path: '/auth', httpOnly: true, sameSite: 'Lax' });
    for (const name of ['password', 'passwordConfirmation']) await page.fill(`#${name}`, 'a brand new brass telescope');
    await page.click('button');
    await page.getByRole('heading', { name: 'Your password was changed' }).waitFor();
    await page.goBack();
    for (const name of ['password', 'passwordConfirmation']) await page.fill(`#${name}`, 'a brand new brass telescope');
    await page.click('button');
    await page.getByRole('heading', { name: 'Already done' }).waitFor();
    const input = { identifier: user.username, password: 'a brand new brass telescope' };
    t.equal((await app.client().send(LOGIN, { input })).code, undefined);
    await page.close();
  });
}
