import { once } from 'node:events';
import { createServer } from 'node:http';
import t from 'tap';
import { refusedConnections } from '../../src/fastify/refused-connections.js';
import { webSocketUpgrades } from '../../src/fastify/upgrades.js';
import { startGraphqlServer } from '../helpers/graphql-server.js';
import { openRaw } from '../helpers/raw.js';
import { listen } from '../helpers/server.js';
import { openSocket, refusedUpgrade } from '../helpers/websocket.js';

const { app, logs } = await startGraphqlServer(t, { env: { HOST: '127.0.0.1' } });
const port = await listen(app);

/** Whether this version of Node has `shouldUpgradeCallback`. */
const DECIDES = 'shouldUpgradeCallback' in createServer();
const BODY = JSON.stringify({ query: '{ echo(text: "e") }' });
const ANSWER = { status: 200, body: '{"data":{"echo":"e"}}' };
const REFUSED = { status: 501, headers: { connection: 'close' }, body: /without Upgrade.*QUERY_REJECTED/ };
const post = (headers: string) =>
  `POST /graphql HTTP/1.1\r\nHost: a\r\n${headers}Content-Type: application/json\r\n` +
  `Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
const PLAIN = post('');
const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\nUpgrade: h2c\r\n';
const HANDSHAKE =
  'GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Protocol: graphql-transport-ws\r\n';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

t.test(`${DECIDES ? 'serves' : 'refuses'} upgrades to other protocols than WebSocket`, async (t) => {
  const raw = await openRaw(t, port);
  for (const headers of [H2C, 'Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n']) {
    raw.send(post(headers));
    if (DECIDES) {
      t.match(await raw.next(), ANSWER);
    } else {
      t.match(await raw.rest(), [REFUSED]);
      return;
    }
  }
  raw.send(PLAIN);
  t.match(await raw.next(), ANSWER, 'the connection stays open');
  raw.send(post(H2C.replace('Upgrade,', 'close, Upgrade,')));
  t.match(await raw.rest(), [{ ...ANSWER, headers: { connection: 'close' } }], 'and closes on Connection: close');
});

t.test('serves a request with Upgrade and without Connection: Upgrade', async (t) => {
  const raw = await openRaw(t, port);
  raw.send(post('Upgrade: h2c\r\n'));
  t.match(await raw.next(), ANSWER);
});

t.test('sends the responses to requests that are pipelined before an upgrade', async (t) => {
  for (const [name, second, answer] of [
    ['h2c', post(H2C), DECIDES ? ANSWER : REFUSED],
    ['websocket', `${HANDSHAKE}${KEY}\r\n`, DECIDES ? { status: 400 } : REFUSED],
  ] as const) {
    const raw = await openRaw(t, port);
    raw.send(PLAIN + PLAIN + second);
    t.match([await raw.next(), await raw.next(), await raw.next()], [ANSWER, ANSWER, answer], name);
  }
});

t.test('refuses upgrades after earlier responses if Node cannot serve them', async (t) => {
  // A server without `shouldUpgradeCallback` behaves as older versions of Node do.
  const server = createServer();
  const lines: unknown[] = [];
  const log = { info: (fields: object) => void lines.push(fields) };
  const upgrades = webSocketUpgrades(server, refusedConnections(server, { headers: { 'x-a': 'b' }, log }));
  let noteArrival!: () => void;
  const arrived = new Promise<void>((resolve) => (noteArrival = resolve));
  let answer!: () => void;
  server.on('request', (_request, response) => {
    answer = () => response.end('slow');
    noteArrival();
  });
  let taken = 0;
  upgrades.on('upgrade', (_request, socket) => {
    taken += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };

  const raw = await openRaw(t, port);
  raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await arrived;
  const upgrade = once(server, 'upgrade');
  raw.send(post(H2C));
  await upgrade;
  answer();
  t.match(await raw.rest(), [
    { status: 200, body: 'slow' },
    { ...REFUSED, headers: { 'x-a': 'b', 'x-request-id': String } },
  ]);
  t.match(lines, [{ status: 501, code: 'QUERY_REJECTED', ip: '127.0.0.1' }]);

  const reset = await openRaw(t, port);
  const detached = once(server, 'upgrade');
  reset.send(post(H2C));
  const [, socket] = (await detached) as [unknown, NodeJS.EventEmitter];
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.emit('error', new Error('reset'));
  await closed;

  t.equal(taken, 0);
  const webSocket = await openRaw(t, port);
  webSocket.send(`${HANDSHAKE}${KEY}\r\n`);
  t.same(await webSocket.rest(), []);
  t.equal(taken, 1, 'accepts a handshake on an idle connection');
});

t.test('accepts the Upgrade header in any case, and answers 404 on other paths', async (t) => {
  const socket = await openSocket(port, { headers: { upgrade: 'WebSocket' } });
  t.equal(socket.ws.protocol, 'graphql-transport-ws');
  t.match(await refusedUpgrade(port, {}, undefined, '/elsewhere'), { status: 404 });
});

t.test('answers every handshake with the headers of every response', async (t) => {
  const headersFor = async (bytes: string) => {
    const raw = await openRaw(t, port);
    raw.send(bytes);
    return raw.next();
  };
  const headers = {
    'content-security-policy': /base-uri 'none'/,
    'x-content-type-options': 'nosniff',
    'x-request-id': /^[\da-f-]{36}$/,
    'cache-control': 'no-store',
  };
  t.match(await headersFor(`${HANDSHAKE}${KEY}\r\n`), { status: 101, headers });
  const coded = { ...headers, 'content-type': 'application/json; charset=utf-8' };
  t.match(await headersFor(`${HANDSHAKE}\r\n`), {
    status: 400,
    headers: { ...coded, 'sec-websocket-version': '13' },
    body: /handshake is malformed.*QUERY_REJECTED/,
  });
  t.match(await headersFor(`${HANDSHAKE}${KEY}Origin: http://evil.test\r\n\r\n`), { status: 403, headers: coded });
  t.match(await headersFor(`${HANDSHAKE}${KEY}Host: b\r\n\r\n`), { status: 400, headers: coded });
  t.match(logs.filter(({ url, status }) => url === '/graphql' && status === 400).slice(-2), [
    { code: 'QUERY_REJECTED' },
    { code: 'QUERY_REJECTED' },
  ]);
});
