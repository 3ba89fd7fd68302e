/** An application with its own plugins, hooks, parsers and error handling, with or without an embedded Latchkey. */
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance } from 'fastify';
import mercurius from 'mercurius';
import type { TestScope } from './app.js';
import { createTestDatabase, onRealPostgres } from './database.js';
import { migratedDataDir } from './embedded-template.js';

export interface ForeignApp {
  readonly app: FastifyInstance;
  /** Calls of its hooks, as `<hook> <method> <url>`. */
  readonly hooks: string[];
}

export const HOST_ORIGIN = 'https://host.test';

/** Settings of an embedded Latchkey with a separate database. */
export async function embeddedConfig(t: TestScope): Promise<Record<string, string>> {
  return {
    NODE_ENV: 'test',
    AUTH_SECRET: 'a test secret of more than thirty-two bytes',
    ARGON2_MEMORY_KIB: '64',
    ARGON2_TIME_COST: '1',
    PUBLIC_URL: 'http://host.test/auth',
    CORS_ORIGINS: 'https://app.test',
    ...(onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : { DATA_DIR: await migratedDataDir(t) }),
  };
}

/** @param embed registers Latchkey, before or after the application's plugins */
export async function foreignApp(
  t: TestScope,
  order: 'first' | 'last',
  embed: (app: FastifyInstance) => unknown,
): Promise<ForeignApp> {
  const app = fastify();
  t.teardown(() => app.close());
  const hooks: string[] = [];
  if (order === 'first') await embed(app);
  await app.register(cookie, { secret: 'the cookie secret of the application' });
  await app.register(cors, { origin: HOST_ORIGIN });
  await app.register(rateLimit, { max: 1000 });
  await app.register(websocket);
  await app.register(mercurius, {
    schema: 'type Query { hello: String }',
    resolvers: { Query: { hello: () => 'from the application' } },
  });
  app.addHook('onRequest', async ({ method, url }) => void hooks.push(`onRequest ${method} ${url}`));
  app.addHook('onSend', async ({ method, url }) => void hooks.push(`onSend ${method} ${url}`));
  app.addHook('onResponse', async ({ method, url }) => void hooks.push(`onResponse ${method} ${url}`));
  app.setErrorHandler((error, _request, reply) =>
    reply.code(418).send({ oops: error instanceof Error ? error.message : 'no error' }),
  );
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('nothing of the application'));
  app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) =>
    done(null, String(body).split(',')),
  );
  app.get('/cookie', (request, reply) =>
    reply.setCookie('theme', 'dark', { signed: true }).send({ cookies: request.cookies }),
  );
  app.post('/body', (request) => ({ body: request.body }));
  app.get('/fails', () => {
    throw new Error('an error of the application');
  });
  app.get('/limited', { config: { rateLimit: { max: 2 } } }, () => 'fine');
  app.get('/socket', { websocket: true }, (socket) => {
    socket.on('message', (data: Buffer) => socket.send(`application: ${data.toString()}`));
  });
  if (order === 'last') await embed(app);
  return { app, hooks };
}

const VARYING = new Set(['date', 'x-ratelimit-reset', 'retry-after']);

/** The responses to requests for all features of the application, without headers that vary. */
export async function answersOf({ app, hooks }: ForeignApp, remoteAddress: string): Promise<unknown> {
  const json = { 'content-type': 'application/json' };
  const requests = [
    { url: '/cookie', headers: { cookie: 'a=b', origin: HOST_ORIGIN } },
    { method: 'POST', url: '/body', headers: json, payload: '{"a":1}' },
    { method: 'POST', url: '/body', headers: json, payload: '{"a":' },
    { method: 'POST', url: '/body', headers: { 'content-type': 'text/csv' }, payload: 'a,b' },
    { method: 'POST', url: '/body', headers: { 'content-type': 'text/plain' }, payload: 'text' },
    { method: 'POST', url: '/body', headers: { 'content-type': 'text/html' }, payload: 'html' },
    { method: 'POST', url: '/graphql', headers: json, payload: '{"query":"{ hello }"}' },
    { method: 'OPTIONS', url: '/body', headers: { origin: HOST_ORIGIN, 'access-control-request-method': 'POST' } },
    { url: '/fails' },
    { url: '/nowhere' },
    { url: '/healthz' },
    { url: '/limited' },
    { url: '/limited' },
    { url: '/limited' },
  ] as const;
  const answers: unknown[] = [];
  for (const request of requests) {
    const { statusCode, body, headers } = await app.inject({ ...request, remoteAddress });
    const stable = Object.entries(headers).filter(([name]) => !VARYING.has(name));
    answers.push({ statusCode, body, headers: Object.fromEntries(stable) });
  }
  return { answers, hooks: hooks.splice(0), request: Object.keys(Object.getPrototypeOf(app) as object) };
}
