import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import t from 'tap';
import { emitEveryClose } from '../../src/fastify/response-close.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;

/** Sends two pipelined requests and counts the `close` events of each response until their connection closes. */
async function endsOf(t: Tap, answerFirst: (response: ServerResponse) => void): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  const all = new Map<string, ServerResponse>();
  const server = createServer((request, response) => {
    ends[request.url!] = 0;
    response.on('close', () => (ends[request.url!]! += 1));
    all.set(request.url!, response);
    if (request.url !== '/second') return;
    response.end('second');
    answerFirst(all.get('/first')!);
  });
  emitEveryClose(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.end(get('/first') + get('/second'));
  socket.resume();
  await once(socket, 'close');
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return ends;
}
interface Tap {
  teardown(work: () => unknown): void;
}

t.test('emits close once for a response, whatever happens to the one before it', async (t) => {
  const once = { '/first': 1, '/second': 1 };
  t.same(await endsOf(t, (first) => first.end('first')), once, 'both responses are sent');
  t.same(
    await endsOf(t, (first) => first.setHeader('connection', 'close').end('first')),
    once,
    'the first response closes the connection',
  );
  t.same(await endsOf(t, (first) => first.destroy()), once, 'the first response is destroyed');
});
