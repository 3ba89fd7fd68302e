import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { createBreachCheck, type BreachCheckOutcome } from '../../src/passwords/breached.js';
import { startTestApp, type TestScope } from '../helpers/app.js';
import { PASSWORD, REGISTER } from '../helpers/seed.js';

const digest = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();

/** A range service of the test's own. */
async function service(t: TestScope, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`;
}

function check(url: string, timeoutMs = 5000) {
  const outcomes: BreachCheckOutcome[] = [];
  const warnings: object[] = [];
  const log = { warn: (fields: object) => void warnings.push(fields) };
  const isBreached = createBreachCheck({ url, onOutcome: (outcome) => void outcomes.push(outcome), log, timeoutMs });
  return { isBreached, outcomes, warnings };
}

t.test('sends only five digits of the SHA-1 and requests padding', async (t) => {
  const seen: { url: string | undefined; padding: unknown }[] = [];
  const url = await service(t, ({ url, headers }, response) => {
    seen.push({ url, padding: headers['add-padding'] });
    response.end([`${'0'.repeat(35)}:3`, `${digest('hunter2').slice(5).toLowerCase()}:17043`, ''].join('\r\n'));
  });
  const { isBreached, outcomes } = check(url);
  t.equal(await isBreached('hunter2'), true);
  t.equal(await isBreached(PASSWORD), false);
  t.same(seen, [
    { url: `/range/${digest('hunter2').slice(0, 5)}`, padding: 'true' },
    { url: `/range/${digest(PASSWORD).slice(0, 5)}`, padding: 'true' },
  ]);
  t.same(outcomes, ['found', 'clear']);
});

t.test('ignores padding lines with the count 0', async (t) => {
  const url = await service(t, (_request, response) => void response.end(`${digest('hunter2').slice(5)}:0\r\n`));
  t.equal(await check(url).isBreached('hunter2'), false);
});

t.test('accepts a password if the service is unavailable, invalid, silent, endless or redirects', async (t) => {
  const found = `${digest('hunter2').slice(5)}:1\r\n`;
  const away = 'http://127.0.0.1:1/range';
  const wrong = await service(t, (_request, response) => void response.writeHead(500).end(found));
  const silent = await service(t, () => undefined);
  const endless = await service(t, (_request, response) => void response.end('x'.repeat(300_000) + found));
  const good = await service(t, (_request, response) => void response.end(found));
  const elsewhere = await service(t, (_request, response) => void response.writeHead(302, { location: good }).end());
  for (const url of [away, wrong, endless, elsewhere]) {
    const { isBreached, outcomes, warnings } = check(url);
    t.equal(await isBreached('hunter2'), false, url);
    t.same(outcomes, ['unavailable']);
    t.equal(warnings.length, 1);
  }
  const { isBreached, outcomes } = check(silent, 50);
  t.equal(await isBreached('hunter2'), false);
  t.same(outcomes, ['unavailable']);
});

t.test('checks at most twenty passwords concurrently', async (t) => {
  const waiting: (() => void)[] = [];
  const { promise: full, resolve } = deferred();
  const url = await service(t, (_request, response) => {
    waiting.push(() => response.end(''));
    if (waiting.length === 20) resolve();
  });
  const { isBreached, outcomes, warnings } = check(url, 60_000);
  const asked = Array.from({ length: 20 }, () => isBreached('hunter2'));
  await full;
  t.equal(await isBreached('hunter2'), false);
  t.same(outcomes, ['unavailable']);
  for (const end of waiting) end();
  await Promise.all(asked);
  t.same(warnings, []);
  t.equal(outcomes.filter((outcome) => outcome === 'clear').length, 20);
});

t.test('rejects a breached password and counts it in the metrics', async (t) => {
  const url = await service(t, (_request, response) => void response.end(`${digest(PASSWORD).slice(5)}:1\r\n`));
  const app = await startTestApp(t, { BREACHED_PASSWORD_URL: url });
  const register = (password: string) =>
    app.client().send(REGISTER, { input: { email: 'breach@mail.test', username: 'breach', password } });
  const refused = await register(PASSWORD);
  t.match(refused.errors[0]?.extensions.details, [{ field: 'password', message: /data breach/ }]);
  t.notMatch(JSON.stringify((await register('short')).errors), /breach/, 'not asked for what is refused anyway');
  t.equal((await register('a quiet brass telescope')).code, undefined);
  const { body } = await app.server.inject('/metrics');
  t.match(body, 'latchkey_breached_password_checks_total{outcome="found"} 1\n');
  t.match(body, 'latchkey_breached_password_checks_total{outcome="clear"} 1\n');
});

function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((onResolve) => (resolve = onResolve));
  return { promise, resolve };
}
