/** The playground as a person meets it, in a real browser: Debian's `chromium`, or the one that CHROMIUM names. */
import { readFile } from 'node:fs/promises';
import { buildSchema } from 'graphql';
import { chromium, type Request } from 'playwright-core';
import t from 'tap';
import { SCHEMA_FILE } from '../../src/graphql/schema.js';
import { startTestApp } from '../helpers/app.js';

/** The browser's own errands would look for hosts elsewhere. */
const FLAGS = ['background-networking', 'component-update', 'sync', 'quic', 'gpu'].map((name) => `--disable-${name}`);

t.setTimeout(90_000);
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', ...FLAGS],
});
const { server } = await startTestApp(t);
const origin = await server.listen({ host: '127.0.0.1', port: 0 });
// Before the server's own teardown, which would wait for the connections that the browser holds open.
t.teardown(() => browser.close());

const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(20_000);
const problems: string[] = [];
const requests: string[] = [];
page.on('console', (message) => {
  if (['error', 'warning'].includes(message.type())) problems.push(message.text());
});
page.on('pageerror', (error) => problems.push(String(error)));
page.on('requestfailed', (request) => {
  const reason = request.failure()?.errorText;
  // The page itself gives up workers that it no longer needs.
  if (reason !== 'net::ERR_ABORTED') problems.push(`${request.url()}: ${reason}`);
});
page.on('request', (request) => requests.push(request.url()));

/** A line of an editor. */
const line = (part: string, hasText: string | RegExp) => page.locator(`${part} .view-line`, { hasText }).first();
const query = '.graphiql-query-editor';
const response = '.graphiql-response';
const variables = '[aria-label="Variables"]';
const headers = '[aria-label="Headers"]';
const tab = (name: string) => page.getByRole('tab', { name }).click();
const tool = (name: string) => page.getByRole('button', { name, exact: true }).click();

/** Runs the operation in sight and waits for its data. */
async function run(field: string): Promise<Request> {
  const sent = page.waitForRequest(isOperation);
  await page.locator('.graphiql-execute-button').click();
  const request = await sent;
  await line(response, `"${field}": {`).waitFor();
  return request;
}

function isOperation(request: Request): boolean {
  return request.method() === 'POST' && !request.postData()?.includes('IntrospectionQuery');
}

t.test('after a registration and a login, the token goes into the headers of the next request', async (t) => {
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

t.test('a refresh sends the last refresh token and leaves the next, any number of times', async () => {
  await tab('Refresh');
  await tool('Variables');
  const filled = line(variables, /"refreshToken":\s"[^"]+"/);
  for (let i = 0; i < 3; i += 1) {
    const before = await filled.innerText();
    await run('refresh');
    await filled.filter({ hasNotText: before }).waitFor();
  }
});

t.test('headers that a person wrote are sent, and left alone when new tokens come', async (t) => {
  await tab('Login');
  await tool('Headers');
  await line(headers, 'Authorization').click();
  await page.keyboard.press('Control+A');
  // The editor closes the brace by itself.
  await page.keyboard.insertText('{ "Authorization": "Bearer mine" ');
  for (let i = 0; i < 2; i += 1) t.equal((await run('login')).headers()['authorization'], 'Bearer mine');
});

t.test('a document is formatted, and the schema can be read', async () => {
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

t.test('a reload forgets every token and password', async (t) => {
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

t.test('nothing came from elsewhere, and the content security policy refused nothing', (t) => {
  t.same(
    requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:')),
    [],
  );
  t.same(problems, []);
  t.end();
});
