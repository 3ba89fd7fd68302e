import t from 'tap';
import { startTestServer } from '../helpers/server.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

t.test('assigns each request a unique id, in the response and in the log', async (t) => {
  const { app, logs } = startTestServer(t);
  const ids = [];
  for (let index = 0; index < 2; index += 1) ids.push((await app.inject('/')).headers['x-request-id']);
  t.match(ids, [UUID, UUID]);
  t.not(ids[0], ids[1]);
  t.same(
    logs.map((line) => line['requestId']),
    ids,
  );
});

const TRUST_PROXY = '10.0.0.0/8, 192.0.2.1, 2001:db8::/32';

t.test('accepts a well-formed request id from a trusted proxy only', async (t) => {
  const { app } = startTestServer(t, { TRUST_PROXY, TRUST_REQUEST_ID: 'true' });
  const idFrom = async (remoteAddress: string, given: string) =>
    (await app.inject({ url: '/', remoteAddress, headers: { 'x-request-id': given } })).headers['x-request-id'];
  for (const peer of ['10.1.2.3', '192.0.2.1', '::ffff:10.1.2.3', '2001:db8::7'])
    t.equal(await idFrom(peer, 'trace-12345'), 'trace-12345', peer);
  for (const peer of ['203.0.113.7', '192.0.2.2', '2001:db9::7'])
    t.match(await idFrom(peer, 'trace-12345'), UUID, peer);
  for (const bad of ['short', 'a b c d e f', '<script>alert(1)</script>', 'x'.repeat(65)])
    t.match(await idFrom('10.1.2.3', bad), UUID, bad);
});

t.test('ignores a received request id without TRUST_REQUEST_ID or TRUST_PROXY', async (t) => {
  const headers = { 'x-request-id': 'trace-12345' };
  for (const env of [{ TRUST_PROXY }, { TRUST_REQUEST_ID: 'true' }]) {
    const { app } = startTestServer(t, env);
    const response = await app.inject({ url: '/', remoteAddress: '10.1.2.3', headers });
    t.match(response.headers['x-request-id'], UUID, Object.keys(env).join());
  }
});
