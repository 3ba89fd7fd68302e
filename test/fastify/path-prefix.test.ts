/** PUBLIC_URL with a path. Routes answer with and without the prefix, because a proxy may keep or remove it. */
import t from 'tap';
import { WebSocket } from 'ws';
import { pathPrefix, withoutPrefix } from '../../src/fastify/path-prefix.js';
import { startLiveApp } from '../helpers/live.js';
import { mailedPage } from '../helpers/mailed-page.js';
import { LOGIN, PASSWORD, tokenIn } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';

const ORIGIN = 'https://example.com';
const app = await startLiveApp(t, { PUBLIC_URL: `${ORIGIN}/auth/`, GRAPHIQL: 'true' });

t.test('removes the prefix once, and only as whole path segments', (t) => {
  t.equal(pathPrefix(undefined), '');
  t.equal(pathPrefix('https://example.com'), '');
  t.equal(pathPrefix('https://example.com/a/b'), '/a/b');
  for (const [url, expected] of [
    ['/auth', '/'],
    ['/auth?x=1', '/?x=1'],
    ['/auth/', '/'],
    ['/auth/graphql?query=x', '/graphql?query=x'],
    ['/auth/auth/x', '/auth/x'],
    ['/authority', '/authority'],
    ['/auth.txt', '/auth.txt'],
    ['/graphql', '/graphql'],
    ['//auth/graphql', '//auth/graphql'],
    ['*', '*'],
  ] as const)
    t.equal(withoutPrefix(url, '/auth'), expected, url);
  for (const url of ['/', '/graphql?x', '*', '']) t.equal(withoutPrefix(url, ''), url === '' ? '/' : url);
  t.end();
});

t.test('serves every route with and without the prefix', async (t) => {
  for (const path of [
    '/',
    '/healthz',
    '/readyz',
    '/metrics',
    '/.well-known/jwks.json',
    '/graphiql',
    '/graphql?query={__typename}',
  ]) {
    for (const prefix of ['', '/auth']) {
      const { statusCode } = await app.server.inject({
        url: prefix + path,
        headers: { 'graphql-require-preflight': '1', accept: '*/*' },
      });
      t.equal(statusCode, 200, prefix + path);
    }
  }
  t.equal((await app.server.inject('/auth')).statusCode, 200);
  t.equal((await app.server.inject('/other/graphql')).statusCode, 404);
});

t.test('uses the path in issuer, audience, mailed links and the path of the cookie', async (t) => {
  const user = await app.user();
  t.match(claimsOf(user.accessToken), { iss: `${ORIGIN}/auth`, aud: `${ORIGIN}/auth` });
  const input = { identifier: user.username, password: PASSWORD, transport: 'COOKIE' };
  const login = await app.server.inject({
    method: 'POST',
    url: '/auth/graphql',
    headers: { origin: ORIGIN },
    payload: { query: LOGIN, variables: { input } },
  });
  t.match(login.headers['set-cookie'], /^latchkey-refresh=.*Path=\/auth;/);
  const mail = (await app.mailTo(user.email)).at(-1)!;
  t.match(mail.text, `${ORIGIN}/auth/verify-email?token=`);
  for (const prefix of ['', '/auth']) {
    const page = mailedPage(app.server);
    t.equal((await page.open(`${prefix}/verify-email?token=${tokenIn([mail])}`)).statusCode, 200);
    const [name] = [...page.jar.keys()];
    t.equal(name, '__Secure-latchkey-verify-email');
    t.equal((await page.press()).statusCode, 200, prefix);
  }
});

t.test('opens WebSockets with and without the prefix, and refuses foreign origins', async (t) => {
  for (const path of ['/graphql', '/auth/graphql']) {
    const socket = new WebSocket(`ws://127.0.0.1:${app.port}${path}`, 'graphql-transport-ws', { origin: ORIGIN });
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    socket.terminate();
  }
  const foreign = new WebSocket(`ws://127.0.0.1:${app.port}/auth/graphql`, 'graphql-transport-ws', {
    origin: 'https://evil.test',
  });
  await t.rejects(new Promise((resolve, reject) => foreign.on('open', resolve).on('error', reject)), /403/);
});
