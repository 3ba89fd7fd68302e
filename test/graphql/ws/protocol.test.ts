/** The protocol graphql-transport-ws, and the responses to clients that violate it. */
import t from 'tap';
import { startGraphqlServer, type GraphqlServerOptions } from '../../helpers/graphql-server.js';
import { listen } from '../../helpers/server.js';
import { source } from '../../helpers/source.js';
import { openSession, openSocket, subscribeMessage, type Message } from '../../helpers/websocket.js';

async function start(t: { teardown(work: () => unknown): void }, options: GraphqlServerOptions = {}) {
  const never = () => source().stream;
  const server = await startGraphqlServer(t, {
    ...options,
    streams: { ticks: never, greet: never, ...options.streams },
  });
  return { ...server, port: await listen(server.app) };
}

const TICKS = 'subscription { ticks }';
const GREET = 'subscription { greet(name: "x") { id broken } }';

t.test('closes with 4400 and a fixed reason after a message outside the protocol', async (t) => {
  const { port } = await start(t);
  const wrong: (Message | string | Buffer)[] = [
    'hunter2',
    '[]',
    { type: 'start', id: '1' },
    { type: 'connection_ack' },
    { type: 'next', id: '1', payload: { data: null } },
    { type: 'subscribe', payload: { query: TICKS } },
    { type: 'subscribe', id: '1', payload: { query: 1 } },
    Buffer.from(JSON.stringify(subscribeMessage(TICKS))),
    subscribeMessage(TICKS, 'x'.repeat(129)),
    `{"type":"subscribe","id":"1","payload":{"query":"${TICKS}","variables":{"__proto__":{"x":1}}}}`,
    `{"type":"subscribe","id":"1","payload":{"__proto__":{"query":"${TICKS}"}}}`,
    '{"type":"ping","payload":{"a":[{"\\u005f_proto__":{}}]}}',
  ];
  for (const message of wrong) {
    const socket = await openSession(port, 'good');
    socket.send(message);
    t.same(await socket.closed, { code: 4400, reason: 'The message is not one of graphql-transport-ws.' });
  }
});

t.test('accepts authorization in any case, at the top of the payload or under headers', async (t) => {
  const { port } = await start(t);
  for (const payload of [
    { Authorization: 'good' },
    { AUTHORIZATION: 'good' },
    { headers: { authorization: 'good' } },
    { headers: { Authorization: 'good' } },
    { authorization: 'good', headers: { authorization: 'bad' } },
  ]) {
    const socket = await openSocket(port);
    socket.send({ type: 'connection_init', payload });
    t.equal((await socket.next())['type'], 'connection_ack', JSON.stringify(payload));
    socket.ws.close();
  }
});

t.test('names the expected key when a socket sends no credentials', async (t) => {
  const { port } = await start(t);
  const socket = await openSocket(port);
  socket.send({ type: 'connection_init', payload: { token: 'good' } });
  t.same(await socket.closed, {
    code: 4401,
    reason: 'The payload of connection_init needs the key "authorization" with "Bearer <access token>".',
  });
});

t.test('closes with 4401 without valid credentials, and for messages before connection_ack', async (t) => {
  const { port } = await start(t);
  for (const payload of [
    undefined,
    {},
    { authorization: 'bad' },
    { authorization: ['good'] },
    { headers: 'good' },
    { headers: { authorization: 1 } },
  ]) {
    const socket = await openSocket(port, { headers: { authorization: 'good' } });
    socket.send({ type: 'connection_init', ...(payload ? { payload } : {}) });
    t.equal((await socket.closed).code, 4401, JSON.stringify(payload));
    t.same(socket.unread, [], 'nothing was said before');
  }
  const early = await openSocket(port);
  early.send(subscribeMessage(TICKS));
  t.equal((await early.closed).code, 4401);
});

t.test('closes with 4403 for an expired token, and with 1013 when credentials cannot be checked', async (t) => {
  const { port, logs } = await start(t);
  for (const [authorization, code] of [
    ['expired', 4403],
    ['away', 1013],
    ['broken', 1013],
  ] as const) {
    const socket = await openSocket(port);
    socket.send({ type: 'connection_init', payload: { authorization } });
    const closed = await socket.closed;
    t.equal(closed.code, code);
    t.notMatch(closed.reason, /secret|database/);
  }
  t.equal(logs.filter(({ msg, level }) => msg === 'Authentication of a WebSocket failed' && level === 40).length, 2);
});

t.test('closes with 4408 without an init in three seconds, and with 4429 after a second one', async (t) => {
  const { port } = await start(t);
  const silent = await openSocket(port);
  const twice = await openSession(port, 'good');
  twice.send({ type: 'connection_init', payload: { authorization: 'good' } });
  t.equal((await twice.closed).code, 4429);
  const hasty = await openSocket(port);
  hasty.send({ type: 'connection_init', payload: { authorization: 'good' } });
  hasty.send({ type: 'connection_init', payload: { authorization: 'other' } });
  t.equal((await hasty.closed).code, 4429, 'also before the first is answered');
  t.same(await silent.closed, { code: 4408, reason: 'No connection_init in time.' });
});

t.test('closes with 4409 for an id in use, and accepts it again once its subscription ended', async (t) => {
  const { port } = await start(t);
  const socket = await openSession(port, 'good');
  socket.send(subscribeMessage(TICKS, 'hunter2'));
  socket.send({ type: 'complete', id: 'hunter2' });
  socket.send(subscribeMessage(TICKS, 'hunter2'));
  socket.send({ type: 'ping' });
  t.same(await socket.next(), { type: 'pong' });
  socket.send(subscribeMessage(TICKS, 'hunter2'));
  t.same(await socket.closed, { code: 4409, reason: 'The id is in use.' });
});

t.test('answers pings with their payload, also before the init', async (t) => {
  const { port } = await start(t);
  const socket = await openSocket(port);
  socket.send({ type: 'ping', payload: { at: 1 } });
  t.same(await socket.next(), { type: 'pong', payload: { at: 1 } });
});

t.test('sends an error for a refused document or another operation, and keeps the socket open', async (t) => {
  const { port } = await start(t);
  const socket = await openSession(port, 'good');
  const documents: [string, RegExp][] = [
    ['{ node { id } }', /served over HTTP/],
    ['mutation { logout }', /served over HTTP/],
    ['subscription { ticks', /Syntax Error/],
    ['subscription { tocks }', /Cannot query field "tocks"/],
    ['subscription A { ticks } subscription B { ticks }', /not named/],
    ['subscription { ticks greet(name: "x") { id } }', /only one/],
    [`subscription { greet(name: "x") { ${'a: id '.repeat(20)} } }`, /limit of 15 aliases/],
    [`subscription { greet(name: "x") ${'{ self '.repeat(12)}{ id } ${'}'.repeat(12)} }`, /levels of fields/],
    ['subscription { __typename }', /introspection/],
  ];
  for (const [query, message] of documents) {
    socket.send(subscribeMessage(query));
    const answer = await socket.next();
    t.match(answer, { id: '1', type: 'error', payload: [{ message, extensions: { code: 'QUERY_REJECTED' } }] }, query);
  }
  socket.send(subscribeMessage('subscription ($n: String!) { greet(name: $n) { id } }', '1', { n: { hunter2: 1 } }));
  const refused = await socket.next();
  t.match(refused['payload'], [{ extensions: { code: 'VALIDATION_ERROR', details: [{ field: 'n' }] } }]);
  t.notMatch(JSON.stringify(refused), /hunter2/);
  socket.send(subscribeMessage('subscription ($no: Boolean!) { ticks @include(if: $no) }', '1', { no: false }));
  t.match(await socket.next(), { type: 'error', payload: [{ extensions: { code: 'QUERY_REJECTED' } }] });
});

t.test('delivers events in order, then complete', async (t) => {
  const ticks = source();
  const { port } = await start(t, { streams: { ticks: () => ticks.stream } });
  const socket = await openSession(port, 'good');
  socket.send(subscribeMessage(TICKS));
  for (const value of [1, 2, 3]) ticks.push(value);
  for (const value of [1, 2, 3])
    t.same(await socket.next(), { id: '1', type: 'next', payload: { data: { ticks: value } } });
  await ticks.stream.return!();
  t.same(await socket.next(), { id: '1', type: 'complete' });
});

t.test('delivers an event with a failed field, and closes the socket for an event without data', async (t) => {
  const greet = source();
  const { port, logs } = await start(t, { streams: { greet: () => greet.stream } });
  const fails = () => {
    throw new Error('hunter2');
  };
  const socket = await openSession(port, 'good');
  socket.send(subscribeMessage(GREET));
  greet.push({ id: '1', broken: fails });
  const partial = await socket.next();
  t.match(partial['payload'], { data: { greet: { id: '1', broken: null } }, errors: [{ message: 'Internal error.' }] });
  t.notMatch(JSON.stringify(partial), /hunter2/);
  greet.push(fails);
  t.match(await socket.closed, { code: 1013 });
  t.same(socket.unread, []);
  t.equal(logs.filter(({ level, msg }) => level === 50 && msg === 'A subscription failed').length, 2);
});

t.test('refuses a subscription that fails to open, and closes the socket when a stream fails', async (t) => {
  const failing = async function* () {
    yield 1;
    throw new Error('hunter2');
  };
  const refusing = () => {
    throw new Error('hunter2');
  };
  const { port } = await start(t, { streams: { greet: refusing, ticks: failing } });
  const socket = await openSession(port, 'good');
  for (let time = 0; time < 60; time += 1) {
    socket.send(subscribeMessage(GREET));
    const answer = await socket.next();
    t.match(answer, {
      type: 'error',
      payload: [{ message: 'Internal error.', extensions: { code: 'INTERNAL_ERROR' } }],
    });
  }
  socket.send(subscribeMessage(TICKS));
  t.equal((await socket.next())['type'], 'next');
  t.match(await socket.closed, { code: 1013 });
});

t.test('ignores the refusal of a subscription that the client has completed', async (t) => {
  const errors: unknown[] = [];
  const note = (error: unknown) => void errors.push(error);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const failures: ((error: Error) => void)[] = [];
  const pending = () => new Promise<never>((_resolve, reject) => failures.push(reject));
  // Cast: a stream that never opens, where the type has only streams.
  const { port } = await start(t, { streams: { ticks: pending as never } });
  const socket = await openSession(port, 'good');
  for (let n = 0; n < 52; n += 1) socket.send(subscribeMessage(TICKS, `${n}`));
  for (const id of ['50', '51']) t.match(await socket.next(), { id, type: 'error' }, 'over the limit');
  t.equal(failures.length, 50);
  for (let n = 0; n < 50; n += 1) socket.send({ type: 'complete', id: `${n}` });
  socket.send({ type: 'ping' });
  t.equal((await socket.next())['type'], 'pong');
  for (const fail of failures) fail(new Error('the source is broken'));
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  t.same(errors, []);
});

t.test('refuses a subscription whose root field is conditional', async (t) => {
  const { port } = await start(t);
  const socket = await openSession(port, 'good');
  for (const query of [
    'subscription { ticks @skip(if: true) }',
    'subscription ($on: Boolean = false) { ticks @include(if: $on) }',
    'subscription { ...A @skip(if: true) } fragment A on Subscription { ticks }',
    'subscription { ...A } fragment A on Subscription { ... on Subscription { ticks @skip(if: true) } }',
  ]) {
    socket.send(subscribeMessage(query));
    t.match(await socket.next(), { type: 'error', payload: [{ extensions: { code: String } }] }, query);
  }
});
