/** Limits of WebSockets: allowed origins, number of sockets, and cost of each. */
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { startGraphqlServer, type GraphqlServerOptions } from '../../helpers/graphql-server.js';
import { startLiveApp } from '../../helpers/live.js';
import { listen } from '../../helpers/server.js';
import { source, type Source } from '../../helpers/source.js';
import { openSession, openSocket, refusedUpgrade, subscribeMessage, type Message } from '../../helpers/websocket.js';

async function start(t: { teardown(work: () => unknown): void }, options: GraphqlServerOptions = {}) {
  const server = await startGraphqlServer(t, options);
  return { ...server, port: await listen(server.app) };
}

const TICKS = 'subscription { ticks }';

t.test('destroys sockets that do not answer pings, and only those', async (t) => {
  const { port } = await start(t, { sockets: { tickMs: 2 } });
  const dead = await openSocket(port, { autoPong: false });
  const alive = await openSession(port, 'good');
  let pings = 0;
  const pinged = new Promise<void>((resolve) => {
    alive.ws.on('ping', () => {
      pings += 1;
      if (pings === 5) resolve();
    });
  });
  t.equal((await dead.closed).code, 1006);
  await pinged;
  t.equal(alive.ws.readyState, alive.ws.OPEN);
});

t.test('closes the socket after a message over 64 KiB', async (t) => {
  const { port } = await start(t);
  const socket = await openSession(port, 'good');
  const message = (length: number) => JSON.stringify({ type: 'ping', payload: { x: 'y'.repeat(length) } });
  socket.send(message(65_536 - message(0).length));
  t.equal((await socket.next())['type'], 'pong', '64 KB are accepted');
  socket.send(message(65_537 - message(0).length));
  t.equal((await socket.closed).code, 1009);
});

t.test('allows completing fifty subscriptions and opening fifty others at once', async (t) => {
  const { port } = await start(t, { streams: { ticks: () => source().stream } });
  const socket = await openSession(port, 'good');
  for (let id = 0; id < 50; id += 1) socket.send({ type: 'complete', id: `old ${id}` });
  for (let id = 0; id < 50; id += 1) socket.send(subscribeMessage(TICKS, `${id}`));
  socket.send({ type: 'ping' });
  t.same(await socket.next(), { type: 'pong' });
});

t.test('closes a socket that sends too many messages', async (t) => {
  const { port } = await start(t);
  const socket = await openSession(port, 'good');
  for (let index = 0; index < 500; index += 1) socket.send({ type: 'ping' });
  t.equal((await socket.closed).code, 1008);
  t.ok(socket.unread.length <= 240, 'no more than two seconds are worth');
});

t.test('closes a socket that sends more than 128 KiB in a second', async (t) => {
  const { port } = await start(t);
  const socket = await openSession(port, 'good');
  for (let index = 0; index < 8; index += 1) socket.send({ type: 'ping', payload: { x: 'y'.repeat(60_000) } });
  t.equal((await socket.closed).code, 1008);
  t.ok(socket.unread.length <= 4, 'no more than two seconds are worth');
});

t.test('limits a socket to fifty subscriptions, and ends all with the socket', async (t) => {
  const sources: Source[] = [];
  const ticks = () => {
    const next = source();
    sources.push(next);
    return next.stream;
  };
  const { port } = await start(t, { streams: { ticks } });
  const socket = await openSession(port, 'good');
  /** The received messages after the server has processed everything sent. */
  const answers = async () => {
    const all: Message[] = [];
    for (let pongs = 0; pongs < 2;) {
      if (all.length === 0 || all.at(-1)!['type'] === 'pong') socket.send({ type: 'ping' });
      all.push(await socket.next());
      pongs = all.filter(({ type }) => type === 'pong').length;
    }
    return all.filter(({ type }) => type !== 'pong');
  };
  // The protocol's library forgets the first of two that are opened so.
  socket.send(subscribeMessage(TICKS, '0'));
  socket.send({ type: 'complete', id: '0' });
  for (let id = 0; id < 49; id += 1) socket.send(subscribeMessage(TICKS, String(id)));
  t.same(await answers(), []);
  for (let id = 49; id < 60; id += 1) socket.send(subscribeMessage(TICKS, String(id)));
  const refused = await answers();
  t.equal(refused.length + sources.length, 61, 'none was opened but the fifty');
  t.match(refused[0], { type: 'error', payload: [{ extensions: { code: 'QUERY_REJECTED' } }] });
  socket.send({ type: 'complete', id: '7' });
  socket.send(subscribeMessage(TICKS, 'again'));
  t.same(await answers(), [], 'one that ends makes room');
  socket.ws.close();
  await Promise.all(sources.map(({ over }) => over));
});

t.test('limits the sockets of a network and of the process', async (t) => {
  const { port } = await start(t, { env: { TRUST_PROXY: '127.0.0.1' }, sockets: { max: 3, maxPerNetwork: 2 } });
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
  const first = await openSocket(port, from('2001:db8::1'));
  await openSocket(port, from('2001:db8::2'));
  const full = await refusedUpgrade(port, from('2001:db8::3'));
  t.match(full, { status: 429, body: { errors: [{ extensions: { code: 'RATE_LIMIT_EXCEEDED' } }] } });
  t.ok(Number(full.headers['retry-after']) > 0);
  await openSocket(port, from('192.0.2.1'));
  t.match(await refusedUpgrade(port, from('192.0.2.2')), {
    status: 503,
    body: { errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] },
  });
  first.ws.terminate();
  let again = await openSocket(port, from('2001:db8::3')).catch(() => undefined);
  while (!again) again = await openSocket(port, from('2001:db8::3')).catch(() => undefined);
  t.equal(again.ws.protocol, 'graphql-transport-ws', 'a closed socket makes room');
});

t.test('refuses other origins and other subprotocols before the upgrade', async (t) => {
  const { port, logs } = await start(t);
  for (const origin of ['http://evil.test', 'null', 'http://allowed.test.evil.test', 'http://allowed.test:81'])
    t.match(await refusedUpgrade(port, { headers: { origin } }), {
      status: 403,
      body: { errors: [{ extensions: { code: 'QUERY_REJECTED' } }] },
    });
  t.match(logs.at(-1), { status: 403, code: 'QUERY_REJECTED' });
  const page = await openSocket(port, { headers: { origin: 'http://allowed.test' }, perMessageDeflate: true });
  t.equal(page.ws.extensions, '', 'nothing is compressed');
  for (const protocols of [['graphql-ws'], []])
    t.match(await refusedUpgrade(port, {}, protocols), {
      status: 400,
      body: { errors: [{ message: /graphql-transport-ws/, extensions: { code: 'QUERY_REJECTED' } }] },
    });
  const both = await openSocket(port, {}, ['graphql-ws', 'graphql-transport-ws']);
  t.equal(both.ws.protocol, 'graphql-transport-ws');
});

/** An endless source of events of one size. */
const endless = (bytes: number) => {
  const name = 'x'.repeat(bytes);
  const counter = { made: 0 };
  async function* greet() {
    for (;;) {
      counter.made += 1;
      yield { id: '1', name };
    }
  }
  return { counter, greet };
};

for (const [what, bytes, tickMs] of [
  ['as soon as too much waits for him', 65_536, 1000],
  ['once he has given no sign of life', 16_384, 20],
] as const) {
  t.test(`drops a client that stops reading ${what}`, async (t) => {
    const { counter, greet } = endless(bytes);
    const { port, app } = await start(t, { sockets: { tickMs }, streams: { greet } });
    const socket = await openSession(port, 'good');
    const [server] = app.websocketServer.clients;
    const dropped = once(server!, 'close');
    for (let id = 0; id < 50; id += 1)
      socket.send(subscribeMessage('subscription { greet(name: "x") { name } }', String(id)));
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, server!.bufferedAmount)), 1);
    socket.ws.pause();
    const [code] = await dropped;
    clearInterval(watching);
    t.equal(code, 1006);
    t.ok(most < 700_000, `${most} bytes waited`);
    // The kernel buffers some megabytes on the loopback interface.
    t.ok(counter.made * bytes < 50_000_000, `${counter.made} events were made`);
  });
}

const UPGRADE =
  'GET /graphql HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n';

t.test('closes with 1001 at shutdown, refuses new sockets and destroys those that do not answer', async (t) => {
  const { port, app } = await start(t);
  const socket = await openSession(port, 'good');
  const [deaf, late] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await once(late, 'connect');
  deaf.write(UPGRADE);
  t.match(String((await once(deaf, 'data'))[0]), /^HTTP\/1\.1 101 /);
  const cut = once(deaf, 'close');
  const closing = app.close();
  t.same(await socket.closed, { code: 1001, reason: 'The server is going away.' });
  late.write(UPGRADE);
  t.match(String((await once(late, 'data'))[0]), /^HTTP\/1\.1 503 [^]*SERVICE_UNAVAILABLE/);
  await closing;
  await cut;
});

t.test('limits the subscriptions of an account to 2,500 rows for each event across its sockets', async (t) => {
  const app = await startLiveApp(t);
  const [user, other] = [await app.user(), await app.user()];
  const lists = Array.from({ length: 15 }, (_, i) => `s${i}: sessions { id }`).join(' ');
  const large = `subscription { meUpdated { ${lists} } }`;
  const [one, two] = [await app.session(user.accessToken), await app.session(user.accessToken)];
  const refused = async (message: Message) => {
    two.send(message);
    const { type, payload } = await two.next();
    t.match({ type, payload }, { type: 'error', payload: [{ extensions: { code: 'QUERY_REJECTED' } }] });
    return payload[0].message as string;
  };

  for (let id = 0; id < 50; id += 1)
    await app.untilSubscribed(() => two.send(subscribeMessage('subscription { meUpdated { id } }', `${id}`)));
  const list = 'subscription { meUpdated { sessions { id } } }';
  for (let id = 50; id < 80; id += 1) t.match(await refused(subscribeMessage(list, `${id}`)), /at most 50/);
  await app.untilSubscribed(() => one.send(subscribeMessage(large, 'large')));
  for (let id = 0; id < 2; id += 1) two.send({ type: 'complete', id: `${id}` });
  t.match(await refused(subscribeMessage(large, 'second')), /over 2500 rows/);
  await app.follow(other.accessToken, large);

  one.ws.terminate();
  while ((await app.count('subscriptions_open')) > 49) await new Promise((resolve) => setImmediate(resolve));
  await app.untilSubscribed(() => two.send(subscribeMessage(large, 'third')));
});
