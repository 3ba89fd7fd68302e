/** The standalone server with all plugins. */
import t from 'tap';
import { auditFaults } from '../helpers/audit.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, ME, PASSWORD } from '../helpers/seed.js';

t.test('passes the graphql-http audit without errors and warnings', async (t) => {
  const { server } = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '1000/15m' });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  t.same(await auditFaults(`${url}/graphql`), []);
});

t.test('serves the public keys to every origin, with a cache lifetime', async (t) => {
  const app = await startTestApp(t);
  const response = await app.server.inject('/.well-known/jwks.json');
  t.match(response.headers, {
    'content-type': /jwk-set\+json/,
    'cache-control': 'public, max-age=300',
    'access-control-allow-origin': '*',
  });
  t.match(response.json(), { keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: String }] });
  t.notOk('d' in (response.json<{ keys: object[] }>().keys[0] ?? {}));
});

t.test('counts anonymous requests and forged tokens by network, and others by account', async (t) => {
  const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '3/1m', RATE_LIMIT_AUTHENTICATED: '4/1m' });
  const ip = '198.51.100.7';
  const user = await app.user();
  const [mine, stranger] = [app.client({ ip, token: user.accessToken }), app.client({ ip })];
  for (let index = 0; index < 4; index += 1) t.equal((await mine.send(ME)).code, undefined);
  t.match(await mine.send(ME), { code: 'RATE_LIMIT_EXCEEDED', status: 429, headers: { 'retry-after': /^\d+$/ } });
  for (let index = 0; index < 3; index += 1) t.equal((await stranger.send(ME)).code, 'MISSING_TOKEN');
  t.equal((await stranger.send(ME)).code, 'RATE_LIMIT_EXCEEDED');
  t.equal((await app.client({ ip, token: `${user.accessToken}x` }).send(ME)).code, 'RATE_LIMIT_EXCEEDED');
  t.equal((await app.server.inject({ url: '/readyz', remoteAddress: ip })).statusCode, 200, 'probes are not counted');
});

t.test('counts logins by outcome and logs no secret', async (t) => {
  const app = await startTestApp(t);
  const user = await app.user();
  await app.client().send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  await app.client().send(LOGIN, { input: { identifier: user.username, password: 'hunter2hunter2' } });
  const metrics = (await app.server.inject('/metrics')).body;
  t.match(metrics, 'latchkey_logins_total{outcome="success"} 1');
  t.match(metrics, 'latchkey_logins_total{outcome="invalid_credentials"} 1');
  const log = JSON.stringify(app.logs);
  for (const secret of [PASSWORD, 'hunter2hunter2', user.accessToken, user.refreshToken]) t.notOk(log.includes(secret));
});

t.test('answers 503 on /readyz and SERVICE_UNAVAILABLE to requests while the database is unavailable', async (t) => {
  const app = await startTestApp(t);
  const user = await app.user();
  await app.db.close();
  t.equal((await app.server.inject('/readyz')).statusCode, 503);
  t.equal((await app.server.inject('/healthz')).statusCode, 200);
  t.match(await user.client.send(ME), { code: 'SERVICE_UNAVAILABLE', status: 503, headers: { 'retry-after': '1' } });
});

t.test('rejects logins at once when the hash queue is full, and still answers `me`', async (t) => {
  const app = await startTestApp(t, {
    PASSWORD_HASH_CONCURRENCY: '1',
    PASSWORD_HASH_QUEUE_SIZE: '2',
    RATE_LIMIT_FIELDS: 'login=1000/1m',
  });
  const user = await app.user();
  // Attempts at one account are serialized. These accounts do not exist, so each attempt costs a hash at once.
  const logins = Array.from({ length: 40 }, (_, index) =>
    app.client().send(LOGIN, { input: { identifier: `nobody-${index}`, password: PASSWORD } }),
  );
  t.equal((await user.client.send(ME)).code, undefined);
  const answers = await Promise.all(logins);
  const refused = answers.filter(({ code }) => code === 'SERVICE_UNAVAILABLE');
  t.ok(refused.length > 0 && refused.length < 40);
  t.match(refused[0], { status: 503, headers: { 'retry-after': /^\d+$/ } });
  t.ok(answers.every(({ code }) => code === 'INVALID_CREDENTIALS' || code === 'SERVICE_UNAVAILABLE'));
});

t.test('answers a failed resolver with the request id and no other detail', async (t) => {
  const app = await startTestApp(t);
  const user = await app.user();
  let broken = false;
  const transaction: typeof app.db.transaction = (work) =>
    broken ? Promise.reject(new Error('boom')) : app.db.transaction(work);
  const failing = await startTestApp(t, {}, { ...app.db, transaction });
  broken = true;
  const client = failing.client({ token: user.accessToken });
  const answer = await client.send('mutation { updateMe(input: { displayName: "x" }) { id } }');
  t.match(answer, { code: 'INTERNAL_ERROR', status: 500 });
  t.same(Object.keys(answer.errors[0]?.extensions ?? {}).sort(), ['code', 'requestId']);
  t.notMatch(JSON.stringify(answer.errors), /boom/);
  t.match(JSON.stringify(failing.logs), /boom/);
});
