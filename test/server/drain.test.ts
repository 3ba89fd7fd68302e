import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fastify from 'fastify';
import t from 'tap';
import { openRepliesPlugin } from '../../src/fastify/open-replies.js';
import { drainPlugin } from '../../src/server/drain.js';
import { listen } from '../helpers/server.js';

/** A server whose `/slow` answers when the test releases it. */
async function server(graceMs?: number, onGraceOver?: () => void) {
  const app = fastify({ return503OnClosing: false, keepAliveTimeout: 60_000 });
  await app.register(openRepliesPlugin);
  await app.register(drainPlugin, graceMs === undefined ? {} : { graceMs });
  // Timers of the same duration run in the order of their creation.
  if (onGraceOver) app.addHook('preClose', async () => void setTimeout(onGraceOver, graceMs));
  const slow: { arrived: () => void; answer: () => void } = { arrived: () => undefined, answer: () => undefined };
  app.get('/', () => 'quick');
  app.get('/slow', (_request, reply) => {
    slow.answer = () => void reply.send('slow');
    slow.arrived();
    return reply;
  });
  const port = await listen(app);
  return { app, port, slow };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;

async function everything(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (data) => (text += data.toString()));
  await once(socket, 'close');
  return text;
}

t.test('serves requests with Connection: close after beginDrain', async (t) => {
  const { app } = await server();
  t.teardown(() => app.close());
  t.not((await app.inject('/')).headers['connection'], 'close');
  app.beginDrain();
  t.match(await app.inject('/'), { statusCode: 200, headers: { connection: 'close' } });
});

t.test('finishes requests in flight with Connection: close before close resolves', async (t) => {
  const { app, port, slow } = await server();
  const arrived = new Promise<void>((resolve) => (slow.arrived = resolve));
  const socket = await open(port);
  const received = everything(socket);
  socket.write(get('/slow'));
  await arrived;
  let closed = false;
  const draining = new Promise<void>((resolve) => app.server.once('close', resolve));
  const closing = app.close().then(() => (closed = true));
  await new Promise<void>((resolve) => setImmediate(resolve));
  t.equal(closed, false);
  slow.answer();
  t.match(await received, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*slow$/);
  await Promise.all([closing, draining]);
});

t.test('closes an idle keep-alive connection at once', async (t) => {
  const { app, port } = await server();
  const socket = await open(port);
  socket.write(get('/'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  t.match(answer.toString(), /connection: keep-alive/i);
  const ended = once(socket, 'close');
  socket.resume();
  await app.close();
  await ended;
});

t.test('closes connections that never sent a request', async (t) => {
  const { app, port } = await server(1);
  const fresh = await open(port);
  const halfSent = await open(port);
  halfSent.write('GET / HTTP/1.1\r\nhost:');
  const received = Promise.allSettled([fresh, halfSent].map(everything));
  await app.close();
  t.equal((await received).length, 2, 'both have ended');
  t.ok(fresh.destroyed && halfSent.destroyed);
});

t.test('keeps a new connection open until the requests in flight are answered', async (t) => {
  let noteGrace: () => void = () => undefined;
  const graceOver = new Promise<void>((resolve) => (noteGrace = resolve));
  const { app, port, slow } = await server(0, () => noteGrace());
  const arrived = new Promise<void>((resolve) => (slow.arrived = resolve));
  const [fresh, busy] = [await open(port), await open(port)];
  const [freshEnded, received] = [everything(fresh).catch(() => ''), everything(busy)];
  busy.write(get('/slow'));
  await arrived;
  const closing = app.close();
  await graceOver;
  t.notOk(fresh.destroyed);
  slow.answer();
  t.match(await received, /slow$/);
  await Promise.all([freshEnded, closing]);
});
