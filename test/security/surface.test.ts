/** Things that Latchkey never does: run code or commands, answer TRACE, expire passwords. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { LOGIN } from '../helpers/seed.js';

const DAY_MS = 86_400_000;

t.test('evaluates no code and starts no process', async (t) => {
  const forbidden = /\beval\(|\bnew Function\(|node:vm|child_process/;
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) => /\.c?ts$/.test(path));
  t.same(
    files.filter((path) => forbidden.test(readFileSync(join('src', path), 'utf8'))),
    [],
  );
  t.ok(files.length > 0);
});

t.test('refuses TRACE without echoing the request', async (t) => {
  const { server } = await startTestApp(t);
  for (const url of ['/', '/graphql', '/healthz']) {
    const headers = { 'x-secret': 'hunter2hunter2' };
    const response = await server.inject({ method: 'TRACE' as 'GET', url, headers });
    t.ok([404, 405].includes(response.statusCode), url);
    t.notMatch(response.body, 'hunter2');
    t.notMatch(response.headers['content-type'], 'message/http');
  }
});

t.test('never expires a password', async (t) => {
  const app = await startTestApp(t);
  const user = await app.user();
  app.clock.advance(3650 * DAY_MS);
  const input = { identifier: user.username, password: user.password };
  t.equal((await app.client().send(LOGIN, { input })).code, undefined);
});
