/**
 * Takes the picture of the playground that the README shows: `npm run docs:picture`. The
 * account in it exists only while this runs.
 */
import { chromium } from 'playwright-core';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { reverseProxy } from '../helpers/reverse-proxy.js';
import { listen } from '../helpers/server.js';
import { LAUNCH, playground } from './playground.js';

const FILE = 'docs/playground.png';

t.setTimeout(240_000);
t.test('writes the picture of the playground to docs/', async (t) => {
  const browser = await chromium.launch(LAUNCH);
  const proxy = await reverseProxy(t);
  const origin = `http://127.0.0.1:${proxy.port}`;
  const app = await startTestApp(t, { PUBLIC_URL: origin });
  proxy.upstreamPort = await listen(app.server);
  t.teardown(() => browser.close());

  const page = await browser.newPage({ viewport: { width: 1200, height: 720 }, colorScheme: 'light' });
  const { line, run, tab, tool, parts, problems } = playground(page);
  await page.goto(`${origin}/graphiql`);
  await line(parts.query, 'mutation Register').waitFor();
  await run('register');
  await tab('Me');
  await tool('Variables');
  await run('me');
  await line(parts.response, '"email": "ada@example.com"').waitFor();
  await page.screenshot({ path: FILE });
  t.same(problems, []);
});
