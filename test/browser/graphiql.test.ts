/** The playground as a person meets it, in a real browser: Debian's `chromium`, or the one that CHROMIUM names. */
import { readFile } from 'node:fs/promises';
import { buildSchema } from 'graphql';
import { chromium } from 'playwright-core';
import t from 'tap';
import { SCHEMA_FILE } from '../../src/graphql/schema.js';
import { startTestApp } from '../helpers/app.js';
import { reverseProxy } from '../helpers/reverse-proxy.js';
import { listen } from '../helpers/server.js';
import { changeUntilShown, LAUNCH, playground } from './playground.js';

t.setTimeout(480_000);
const browser = await chromium.launch(LAUNCH);
const proxy = await reverseProxy(t);
const origin = `http://127.0.0.1:${proxy.port}`;
const app = await startTestApp(t, { PUBLIC_URL: origin });
proxy.upstreamPort = await listen(app.server);
// Before the server's own teardown, which would wait for the connections that the browser holds open.
t.teardown(() => browser.close());

const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const { problems, requests, line, run, tab, tool, parts } = playground(page);
const { query, response, variables, headers } = parts;

t.test('puts the token of a registration or login into the headers of the next request', async (t) => {
  await page.goto(`${origin}/graphiql`);
  await line(query, 'mutation Register').waitFor();
  await line(variables, '"password": ').waitFor();
  await run('register');

  await tab('Login');
  await line(variables, '"identifier": "ada"').waitFor();
  await run('login');
  await line(response, '"username": "ada"').waitFor();

  await tab('Me');
  await tool('Headers');
  const shown = line(headers, '"Authorization": "Bearer ');
  await shown.waitFor();
  const { authorization } = (await run('me')).headers();
  await line(response, '"email": "ada@example.com"').waitFor();
  t.match(authorization, /^Bearer \S+$/);
  t.match(await shown.innerText(), authorization?.split(' ')[1], 'what is shown is what is sent');
});

t.test('refreshes with the latest refresh token each time', async () => {
  await tab('Refresh');
  await tool('Variables');
  const filled = line(variables, /"refreshToken":\s"[^"]+"/);
  for (let i = 0; i < 3; i += 1) {
    const before = await filled.innerText();
    await run('refresh');
    await filled.filter({ hasNotText: before }).waitFor();
  }
});

t.test('runs a subscription with the token in the headers until it is stopped', async (t) => {
  await tab('Follow');
  await line(query, 'subscription Follow').waitFor();
  const opened = page.waitForEvent('websocket');
  await page.locator('.graphiql-execute-button').click();
  const socket = await opened;
  t.equal(socket.url(), `ws://127.0.0.1:${proxy.port}/graphql`);
  await changeUntilShown(app, line(response, '"displayName": "Lady Ada'));
  const closed = socket.waitForEvent('close');
  await page.locator('.graphiql-execute-button').click();
  await closed;
});

t.test('shows why a subscription with an invalid token ended', async () => {
  await tool('Headers');
  await line(headers, 'Authorization').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText('{ "authorization": "Bearer bad" ');
  await page.locator('.graphiql-execute-button').click();
  await line(response, 'The WebSocket was closed (4401).').waitFor();
});

t.test('sends headers entered by the user, and keeps them when tokens change', async (t) => {
  await tab('Login');
  await tool('Headers');
  await line(headers, 'Authorization').click();
  await page.keyboard.press('Control+A');
  // The editor closes the brace by itself.
  await page.keyboard.insertText('{ "Authorization": "Bearer mine" ');
  for (let i = 0; i < 2; i += 1) t.equal((await run('login')).headers()['authorization'], 'Bearer mine');
});

t.test('formats a document and shows the schema', async () => {
  await line(query, 'mutation Login').click();
  await page.keyboard.press('Home');
  await page.keyboard.insertText('   ');
  await page.getByRole('button', { name: /^Prettify/ }).click();
  await line(query, /^mutation\sLogin/).waitFor();
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByRole('link', { name: 'Mutation' }).click();
  const register = buildSchema(await readFile(SCHEMA_FILE, 'utf8'))
    .getMutationType()!
    .getFields()['register']!;
  // As Markdown shows it: the first paragraph, without marks.
  const [shown = ''] = register.description!.replaceAll('`', '').split('\n\n');
  await page.getByText(shown).waitFor();
});

t.test('forgets every token and password after a reload', async (t) => {
  const stored = await page.evaluate<string>(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
  );
  t.notMatch(stored, /Bearer|refreshToken|password/);
  t.match(stored, 'graphiql:visiblePlugin', 'but not what the page looks like');
  await page.reload();
  await line(query, 'mutation Register').waitFor();
  await tab('Refresh');
  await line(variables, '"refreshToken": ""').waitFor();
});

t.test('loads nothing from other origins, and violates no content security policy', (t) => {
  t.same(
    requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:')),
    [],
  );
  t.same(problems, []);
  t.end();
});
