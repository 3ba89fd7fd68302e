/** Messages that subscribe are requests of their account: counted with those over HTTP, before anything is done for them. */
import t from 'tap';
import { AppError } from '../../../src/lib/errors.js';
import { startGraphqlServer } from '../../helpers/graphql-server.js';
import { startLiveApp } from '../../helpers/live.js';
import { listen } from '../../helpers/server.js';
import { source } from '../../helpers/source.js';
import { openSession, subscribeMessage, type TestSocket } from '../../helpers/websocket.js';

const TICKS = 'subscription { ticks }';
const NO_DOCUMENT = 'subscription { ';

/** The code that a message which cannot be opened is refused with. */
async function refusalOf(socket: TestSocket, query = NO_DOCUMENT): Promise<string> {
  socket.send(subscribeMessage(query));
  const { type, id, payload } = await socket.next();
  t.match({ type, id }, { type: 'error', id: '1' });
  return payload[0].extensions.code as string;
}

t.test('counts requests and subscribe messages of all sockets of an account together', async (t) => {
  const app = await startLiveApp(t, { RATE_LIMIT_AUTHENTICATED: '6/1h' });
  const [user, other] = [await app.user(), await app.user()];
  const ask = async () => (await app.client({ token: user.accessToken }).send('{ me { id } }')).status;
  const [one, two] = [await app.session(user.accessToken), await app.session(user.accessToken)];
  t.equal(await ask(), 200);
  t.equal(await refusalOf(one), 'QUERY_REJECTED', 'a document that is refused counts');
  t.equal(await refusalOf(one, '{ me { id } }'), 'QUERY_REJECTED', 'so does one that is for HTTP');
  await app.untilSubscribed(() => one.send(subscribeMessage('subscription { meUpdated { displayName } }', 'open')));
  t.equal(await refusalOf(two), 'QUERY_REJECTED');
  t.equal(await ask(), 200);

  two.send(subscribeMessage(NO_DOCUMENT, 'over'));
  const refused = await two.next();
  t.match(refused, {
    id: 'over',
    type: 'error',
    payload: [{ message: 'Too many requests; try again later.', extensions: { code: 'RATE_LIMIT_EXCEEDED' } }],
  });
  const { retryAfter } = refused['payload'][0].extensions as { retryAfter: number };
  t.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 3600);
  t.equal(await refusalOf(one), 'RATE_LIMIT_EXCEEDED', 'on the other socket too');
  t.equal(await ask(), 429);
  t.equal(await refusalOf(await app.session(other.accessToken)), 'QUERY_REJECTED', 'others have limits of their own');

  one.send({ type: 'ping' });
  t.same(await one.next(), { type: 'pong' }, 'the socket stays');
});

t.test('does not count pings and complete messages', async (t) => {
  const charged: string[] = [];
  const { port } = await start(t, async (userId) => void charged.push(userId));
  const socket = await openSession(port, 'good');
  for (const message of [{ type: 'ping' }, { type: 'pong' }, { type: 'complete', id: '1' }]) socket.send(message);
  socket.send(subscribeMessage(NO_DOCUMENT));
  t.same([(await socket.next())['type'], (await socket.next())['type']], ['pong', 'error']);
  t.same(charged, ['u']);
});

t.test('charges a message before parsing its document', async (t) => {
  const { port, opened } = await start(t, async () => {
    throw new AppError('RATE_LIMIT_EXCEEDED', 'Too many.', { retryAfter: 7 });
  });
  const socket = await openSession(port, 'good');
  for (const query of [NO_DOCUMENT, 'subscription { tocks }', '{ node { id } }', TICKS])
    t.equal(await refusalOf(socket, query), 'RATE_LIMIT_EXCEEDED', query);
  t.equal(opened(), 0);
});

t.test('refuses the subscription and logs the cause when charging fails', async (t) => {
  const { port, logs } = await start(t, async () => {
    throw new Error('hunter2');
  });
  const socket = await openSession(port, 'good');
  t.equal(await refusalOf(socket, TICKS), 'INTERNAL_ERROR');
  t.equal(logs.filter(({ level, msg }) => level === 50 && msg === 'A subscription failed').length, 1);
});

/** A message that is being counted. */
interface Counting {
  pass(): void;
  fail(error: Error): void;
}

t.test('does not open a subscription that was completed or closed while it was charged', async (t) => {
  const errors: unknown[] = [];
  const note = (error: unknown) => void errors.push(error);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const counting: Counting[] = [];
  const { port, app, opened } = await start(t, () => new Promise((pass, fail) => void counting.push({ pass, fail })));
  const socket = await openSession(port, 'good');
  const answered = async () => {
    socket.send({ type: 'ping' });
    t.same(await socket.next(), { type: 'pong' });
  };
  for (const id of ['passes', 'fails']) {
    socket.send(subscribeMessage(TICKS, id));
    socket.send({ type: 'complete', id });
  }
  socket.send(subscribeMessage(TICKS, 'stays'));
  await answered();
  counting[0]!.pass();
  counting[1]!.fail(new AppError('RATE_LIMIT_EXCEEDED', 'Too many.', { retryAfter: 1 }));
  await answered();
  t.equal(opened(), 0, 'and nothing was said of either');
  counting[2]!.pass();
  await answered();
  t.equal(opened(), 1);

  socket.send(subscribeMessage(TICKS, 'late'));
  await answered();
  const [server] = app.websocketServer.clients;
  const gone = new Promise((resolve) => server!.once('close', resolve));
  socket.ws.terminate();
  await gone;
  counting[3]!.pass();
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  t.equal(opened(), 1);
  t.same(errors, []);
});

/** A server with a function that charges messages. */
async function start(t: { teardown(work: () => unknown): void }, charge: (userId: string) => Promise<void>) {
  let opened = 0;
  const ticks = () => {
    opened += 1;
    return source().stream;
  };
  const server = await startGraphqlServer(t, { charge, streams: { ticks } });
  return { ...server, port: await listen(server.app), opened: () => opened };
}
