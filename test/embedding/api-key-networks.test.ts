/** API keys that are restricted to networks, in an application behind a proxy: TRUST_PROXY decides whose address counts. */
import fastify from 'fastify';
import t from 'tap';
import { latchkey } from '../../src/index.js';
import { register, send } from '../helpers/embedded-client.js';
import { embeddedConfig } from '../helpers/foreign-app.js';
import { listen } from '../helpers/server.js';
import { openSocket } from '../helpers/websocket.js';

const CREATE = `mutation { createApiKey(input: { name: "k", scopes: ["read:profile"], networks: ["192.0.2.0/24"] }) { key } }`;
/** Of a proxy; tests from a socket come from the other. */
const PROXIES = '10.0.0.0/8, 127.0.0.1';

const config = { ...(await embeddedConfig(t)), PUBLIC_URL: 'http://host.test', TRUST_PROXY: PROXIES };
const app = fastify();
t.teardown(() => app.close());
await app.register(latchkey, { config });
app.get('/me', async (request) => (await app.latchkey.authenticate(request)).credential.kind);
await app.ready();
const { data } = await send(app, CREATE, {}, (await register(app, '')).accessToken, '');
const key = data.createApiKey.key as string;

/** The status of the application's route, and the error code of Latchkey's. */
async function answers(remoteAddress: string, forwardedFor?: string) {
  const headers = { 'x-api-key': key, ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }) };
  const own = await app.inject({ url: '/me', remoteAddress, headers });
  const payload = { query: '{ me { id } }' };
  const graphql = await app.inject({ method: 'POST', url: '/graphql', remoteAddress, headers, payload });
  const { errors } = graphql.json<{ errors?: { extensions: { code: string } }[] }>();
  return [own.statusCode, errors?.[0]?.extensions.code];
}

const ACCEPTED = [200, undefined];
const REFUSED = [401, 'INVALID_API_KEY'];

t.test('uses the address that a trusted proxy forwards', async (t) => {
  t.same(await answers('10.1.2.3', '192.0.2.7'), ACCEPTED);
  t.same(await answers('10.1.2.3', '::ffff:192.0.2.7'), ACCEPTED, 'IPv4 in IPv6');
  t.same(await answers('10.1.2.3', '203.0.113.9, 192.0.2.7, 10.9.9.9'), ACCEPTED, 'through two proxies');
  t.same(await answers('192.0.2.7'), ACCEPTED, 'without a proxy');
});

t.test('believes no other address', async (t) => {
  t.same(await answers('10.1.2.3', '203.0.113.9'), REFUSED, 'another client of the proxy');
  t.same(await answers('10.1.2.3', '192.0.2.7, 203.0.113.9'), REFUSED, 'an address that the client invented');
  t.same(await answers('203.0.113.9', '192.0.2.7'), REFUSED, 'a sender that is no proxy');
  t.same(await answers('10.1.2.3'), REFUSED, 'the proxy itself');
  t.same(await answers('10.1.2.3', 'nonsense'), REFUSED);
});

t.test('applies to WebSockets', async (t) => {
  const port = await listen(app);
  for (const [address, expected] of [
    ['192.0.2.7', 'connection_ack'],
    ['203.0.113.9', 4401],
  ] as const) {
    const socket = await openSocket(port, { headers: { 'x-forwarded-for': address } });
    socket.send({ type: 'connection_init', payload: { 'x-api-key': key } });
    const outcome = typeof expected === 'number' ? (await socket.closed).code : (await socket.next())['type'];
    t.equal(outcome, expected, address);
  }
});
