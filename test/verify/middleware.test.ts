/** The Fastify and Express middleware of `latchkey/verify`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import { createVerifier, expressAuth, fastifyAuth, tokenOf } from '../../src/verify/index.js';
import { ISSUER, startWithVerifier } from '../helpers/verifier.js';

const READ = [['read:content']];
const ADMIN = [
  ['admin', 'read:content'],
  ['read:history', 'admin'],
];

/** Serves the same routes with Fastify and with the Express middleware on Node's server. Returns their URLs. */
async function protectedServers(t: Test, verifier: ReturnType<typeof createVerifier>): Promise<Record<string, string>> {
  const app = fastify();
  t.teardown(() => app.close());
  app.get('/movies', { onRequest: fastifyAuth(verifier, READ) }, (request) => ({ subject: tokenOf(request).subject }));
  app.get('/admin', { onRequest: fastifyAuth(verifier, ADMIN) }, () => 'admin');
  const middlewares = { '/movies': expressAuth(verifier, READ), '/admin': expressAuth(verifier, ADMIN) };
  const server = createServer((request, response) => {
    middlewares[request.url as '/movies'](request, response, () => {
      response.end(JSON.stringify({ subject: tokenOf(request).subject }));
    });
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  return {
    Fastify: await app.listen({ host: '127.0.0.1', port: 0 }),
    Express: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
}

t.test('accepts and rejects requests as RFC 6750 requires, on Fastify and Express', async (t) => {
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const { app, verifier } = await startWithVerifier(t, {}, { log });
  const { id, accessToken } = await app.user();
  const unreachable = createVerifier({ issuer: ISSUER, jwksUri: 'http://127.0.0.1:1/jwks.json', log });
  const servers = await protectedServers(t, verifier);
  const cutOff = await protectedServers(t, unreachable);
  const get = async (url: string, authorization?: string) => {
    const response = await fetch(url, { headers: authorization === undefined ? {} : { authorization } });
    const challenge = response.headers.get('www-authenticate');
    return { status: response.status, challenge, body: await response.json(), headers: response.headers };
  };
  for (const [name, url] of Object.entries(servers)) {
    const bearer = `bearer ${accessToken}`;
    t.match(await get(`${url}/movies`, bearer), { status: 200, body: { subject: id }, challenge: null }, name);
    t.match(await get(`${url}/movies`), {
      status: 401,
      challenge: /^Bearer$/,
      body: { errors: [{ message: String, extensions: { code: 'MISSING_TOKEN' } }] },
    });
    t.match(await get(`${url}/movies`, 'Basic eDp5'), {
      status: 401,
      challenge: 'Bearer error="invalid_token", error_description="The access token is not valid."',
      body: { errors: [{ extensions: { code: 'INVALID_TOKEN' } }] },
    });
    t.match(await get(`${url}/admin`, bearer), {
      status: 403,
      challenge: 'Bearer error="insufficient_scope", scope="admin read:content"',
      body: { errors: [{ extensions: { code: 'INSUFFICIENT_PERMISSIONS', requiredScopes: ADMIN } }] },
    });
    const unavailable = await get(`${cutOff[name]!}/movies`, bearer);
    t.match(unavailable, { status: 503, body: { errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] } });
    t.equal(unavailable.headers.get('retry-after'), '5');
    t.equal(unavailable.headers.get('content-type'), 'application/json; charset=utf-8');
  }
  t.same(warnings, Array(2).fill('The signing keys of Latchkey cannot be fetched'));
});

t.test('throws for the token of a request that was not verified', async (t) => {
  t.throws(() => tokenOf({}), /has not passed the middleware/);
});
