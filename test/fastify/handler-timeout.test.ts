/** The handler timeout. */
import fastify from 'fastify';
import t from 'tap';
import { handlerTimeoutPlugin } from '../../src/fastify/handler-timeout.js';
import { openRepliesPlugin } from '../../src/fastify/open-replies.js';
import { listen } from '../helpers/server.js';

async function start(timeoutMs: number) {
  const app = fastify();
  t.teardown(() => app.close());
  await app.register(openRepliesPlugin);
  await app.register(handlerTimeoutPlugin, { timeoutMs });
  app.post('/waiting', () => new Promise(() => undefined));
  app.post('/begun', (_request, reply) => {
    reply.hijack();
    reply.raw.write('begun');
    setTimeout(() => reply.raw.end(' and ended'), timeoutMs * 2);
  });
  return `http://127.0.0.1:${await listen(app)}`;
}
const post = (url: string) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"read":"whole"}' });

t.test('answers 503 when a handler that has read the body does not answer', async (t) => {
  const url = await start(20);
  const response = await post(`${url}/waiting`);
  t.equal(response.status, 503);
  t.equal(response.headers.get('retry-after'), '1');
  t.match(await response.json(), { errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
});

t.test('does not interrupt a response that has begun', async (t) => {
  const url = await start(20);
  const response = await post(`${url}/begun`);
  t.equal(await response.text(), 'begun and ended');
});

t.test('times each request from its own arrival', async (t) => {
  const url = await start(20);
  const together = await Promise.all([post(`${url}/waiting`), post(`${url}/waiting`)]);
  const later = await post(`${url}/waiting`);
  t.same(
    [...together, later].map(({ status }) => status),
    [503, 503, 503],
  );
});
