/** The Fastify and Express middleware of `latchkey/verify`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import { createVerifier, expressAuth, fastifyAuth, tokenOf } from '../../src/verify/index.js';
import { ACTIVE, INACTIVE, inventedKey, sendJson, startEndpoint } from '../helpers/introspection.js';
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

t.test('takes an API key in X-API-Key or as a bearer token, on Fastify and Express', async (t) => {
  const endpoint = await startEndpoint(t);
  const servers = await protectedServers(t, endpoint.verifier({ cacheMaxAge: 0 }));
  const get = async (url: string, headers: Record<string, string>) => {
    const response = await fetch(url, { headers });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  for (const [name, url] of Object.entries(servers)) {
    endpoint.respond = (_request, response) => sendJson(response, ACTIVE);
    const key = inventedKey();
    t.match(await get(`${url}/movies`, { 'x-api-key': key }), { status: 200, body: { subject: 'u' } }, name);
    t.match(endpoint.received.at(-1), { form: { token: key, ip_address: /^(::ffff:)?127\.0\.0\.1$/ } });
    t.match(await get(`${url}/movies`, { authorization: `Bearer ${key}` }), { status: 200 }, name);
    t.match(await get(`${url}/movies`, { authorization: `Bearer ${key}`, 'x-api-key': key }), { status: 401 }, name);
    const forbidden = await get(`${url}/admin`, { 'x-api-key': key });
    t.match(forbidden, { status: 403, body: { errors: [{ extensions: { requiredScopes: ADMIN } }] } }, name);
    const malformed = await get(`${url}/movies`, { 'x-api-key': 'sk_live_x' });
    t.match(malformed, { status: 401, body: { errors: [{ extensions: { code: 'INVALID_API_KEY' } }] } });
    const description = 'error_description="The API key is not valid."';
    t.equal(malformed.headers.get('www-authenticate'), `Bearer error="invalid_token", ${description}`);
  }
});

t.test('answers 429 with Retry-After and without a challenge to too many wrong keys', async (t) => {
  const endpoint = await startEndpoint(t);
  endpoint.respond = (_request, response) => sendJson(response, INACTIVE);
  const verifier = endpoint.verifier();
  for (const [name, url] of Object.entries(await protectedServers(t, verifier))) {
    const get = () => fetch(`${url}/movies`, { headers: { 'x-api-key': inventedKey() } });
    if (name === 'Fastify') for (let i = 0; i < 100; i += 1) await get();
    const limited = await get();
    t.equal(limited.status, 429, name);
    t.match(await limited.json(), { errors: [{ extensions: { code: 'RATE_LIMIT_EXCEEDED' } }] });
    t.match(limited.headers.get('retry-after'), /^\d+$/);
    t.equal(limited.headers.get('www-authenticate'), null);
  }
});

t.test('answers 500 without a challenge if Latchkey refuses the client of the service', async (t) => {
  const endpoint = await startEndpoint(t);
  endpoint.respond = (_request, response) => response.writeHead(401).end();
  for (const [name, url] of Object.entries(await protectedServers(t, endpoint.verifier()))) {
    const response = await fetch(`${url}/movies`, { headers: { 'x-api-key': inventedKey() } });
    t.equal(response.status, 500, name);
    t.equal(response.headers.get('www-authenticate'), null);
    t.match(await response.json(), {
      errors: [{ message: 'Internal error.', extensions: { code: 'INTERNAL_ERROR' } }],
    });
  }
});

t.test("passes Express's ip on, which follows its setting trust proxy", async (t) => {
  const endpoint = await startEndpoint(t);
  const auth = expressAuth(endpoint.verifier());
  const server = createServer((request, response) =>
    auth(Object.assign(request, { ip: '192.0.2.1' }), response, () => response.end()),
  ).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.equal((await fetch(url, { headers: { 'x-api-key': inventedKey() } })).status, 200);
  t.match(endpoint.received, [{ form: { ip_address: '192.0.2.1' } }]);
});

t.test('throws for the token of a request that was not verified', async (t) => {
  t.throws(() => tokenOf({}), /has not passed the middleware/);
});
