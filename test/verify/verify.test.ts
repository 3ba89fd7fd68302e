/** `latchkey/verify` against a running Latchkey. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import { rotate } from '../../src/signing-keys/service.js';
import {
  createVerifier,
  expressAuth,
  fastifyAuth,
  hasScopes,
  tokenOf,
  type VerificationError,
  type VerifierOptions,
} from '../../src/verify/index.js';
import { startTestApp, type TestApp } from '../helpers/app.js';
import { listen } from '../helpers/server.js';
import { claimsOf, headerOf, tokenSigner } from '../helpers/tokens.js';

const ISSUER = 'http://auth.test';
const SCOPES = ['read:content', 'read:profile', 'write:profile', 'read:history'];

/** A Latchkey that listens, and a verifier of its tokens that fetches keys whenever it meets an unknown one. */
async function running(t: Test, env: Record<string, string> = {}, options: Partial<VerifierOptions> = {}) {
  const app = await startTestApp(t, env);
  const jwksUri = `http://127.0.0.1:${await listen(app.server)}/.well-known/jwks.json`;
  const verifier = createVerifier({ issuer: ISSUER, jwksUri, cooldown: 0, ...options });
  return { app, jwksUri, verifier };
}

async function rotateKeys(app: TestApp): Promise<void> {
  const { accessTtlMs } = app.config.jwt;
  const options = { algorithm: 'EdDSA', secrets: app.config.authSecrets, accessTtlMs, clock: app.clock } as const;
  await app.db.transaction((tx) => rotate(tx, options));
  await app.runJob('reload signing keys');
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

for (const algorithm of ['EdDSA', 'ES256', 'PS256', 'RS256']) {
  t.test(`verifies tokens signed with ${algorithm}`, async (t) => {
    const { app, verifier } = await running(t, { JWT_ALGORITHM: algorithm });
    const user = await app.user();
    const token = await verifier.authenticate(`Bearer ${user.accessToken}`);
    const claims = claimsOf(user.accessToken);
    t.same(
      { ...token, scopes: [...token.scopes] },
      {
        subject: user.id,
        sessionId: claims['sid'],
        clientId: claims['client_id'],
        scopes: SCOPES,
        expiresAt: new Date(Number(claims['exp']) * 1000),
        claims,
      },
    );
  });
}

t.test('accepts tokens of the new and of the former key after a rotation', async (t) => {
  const { app, verifier } = await running(t);
  const before = await app.user();
  await verifier.verify(before.accessToken);
  await rotateKeys(app);
  const after = await app.user();
  t.not(headerOf(before.accessToken)['kid'], headerOf(after.accessToken)['kid']);
  t.equal((await verifier.verify(after.accessToken)).subject, after.id);
  t.equal((await verifier.verify(before.accessToken)).subject, before.id);
});

t.test('fetches the keys once for many tokens, and not again for unknown keys within the cooldown', async (t) => {
  const { app, verifier } = await running(t, {}, { cooldown: 3_600_000 });
  const { accessToken } = await app.user();
  const fetches = () => app.logs.filter(({ url }) => url === '/.well-known/jwks.json').length;
  await Promise.all([verifier.verify(accessToken), verifier.verify(accessToken)]);
  await rotateKeys(app);
  await t.rejects(verifier.verify((await app.user()).accessToken), { code: 'INVALID_TOKEN' });
  t.equal(fetches(), 1);
});

t.test('rejects tokens that are not genuine access tokens of the issuer for the audience', async (t) => {
  const { app, jwksUri, verifier } = await running(t);
  const { accessToken } = await app.user();
  const [header, claims] = [headerOf(accessToken), claimsOf(accessToken)];
  const { privateKey } = generateKeyPairSync('ed25519');
  const forged = (head: object, body: object) => {
    const text = `${encode(head)}.${encode(body)}`;
    return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
  };
  const symmetric = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
  const publicKey = await (await fetch(jwksUri)).text();
  const bad: Record<string, string> = {
    'no JWT': 'x',
    'no signature': accessToken.replace(/[^.]*$/, ''),
    'another key with the same id': forged(header, claims),
    'an unknown key': forged({ ...header, kid: 'unknown' }, claims),
    'alg none': `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
    'HS256 with the public key as the secret': `${symmetric}.${createHmac('sha256', publicKey).update(symmetric).digest('base64url')}`,
    'changed claims': accessToken.replace(/\.[^.]*\./, `.${encode({ ...claims, scope: 'admin' })}.`),
  };
  const accepted: string[] = [];
  for (const [name, token] of Object.entries(bad)) {
    const code = await verifier.verify(token).then(
      () => 'accepted',
      (error: unknown) => (error as VerificationError).code,
    );
    if (code !== 'INVALID_TOKEN') accepted.push(`${name}: ${code}`);
  }
  t.same(accepted, []);
  const other = (options: Partial<VerifierOptions>) => createVerifier({ issuer: ISSUER, jwksUri, ...options });
  await t.rejects(other({ issuer: 'http://other.test' }).verify(accessToken), { code: 'INVALID_TOKEN' });
  await t.rejects(other({ audience: 'http://api.test' }).verify(accessToken), { code: 'INVALID_TOKEN' });
  await t.rejects(other({ algorithms: ['ES256'] }).verify(accessToken), { code: 'INVALID_TOKEN' });
  t.ok(
    await other({ audience: ['http://api.test', ISSUER] }).verify(accessToken),
    'one of several audiences is enough',
  );
  t.throws(() => other({ algorithms: ['HS256' as 'ES256'] }), /HS256 is not one of/);
});

t.test('reports an expired token as TOKEN_EXPIRED', async (t) => {
  const { app, verifier } = await running(t);
  const signed = await tokenSigner(app);
  const { id, accessToken } = await app.user();
  app.clock.advance(-3_600_000);
  const token = signed({ userId: id, sessionId: String(claimsOf(accessToken)['sid']), scopes: [] });
  await t.rejects(verifier.verify(token), { code: 'TOKEN_EXPIRED', status: 401 });
});

t.test('requires one of the groups of scopes', async (t) => {
  const { app, verifier, jwksUri } = await running(t);
  const { accessToken } = await app.user();
  const token = await verifier.verify(accessToken);
  t.ok(hasScopes(token, [['admin'], ['read:content', 'read:history']]));
  t.notOk(hasScopes(token, [['admin'], ['read:content', 'admin']]));
  const requiredScopes = [['admin']];
  await t.rejects(createVerifier({ issuer: ISSUER, jwksUri, requiredScopes }).verify(accessToken), {
    code: 'INSUFFICIENT_PERMISSIONS',
    status: 403,
    details: { requiredScopes },
  });
});

const READ = [['read:content']];
const ADMIN = [
  ['admin', 'read:content'],
  ['read:history', 'admin'],
];

/** The same routes on Fastify and on Node's own server with a middleware of Express's form; returns their addresses. */
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

t.test('the middleware admits and refuses as RFC 6750 says, on Fastify and Express', async (t) => {
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const { app, verifier } = await running(t, {}, { log });
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

t.test('answers 503 when the response is not a key set, or is an error', async (t) => {
  const { app } = await running(t);
  const { accessToken } = await app.user();
  const bodies: Record<string, [number, string]> = {
    '/html': [200, '<p>'],
    '/list': [200, '[]'],
    '/error': [500, '{"keys":[]}'],
  };
  const server = createServer(({ url }, response) => {
    const [status, body] = bodies[url!]!;
    response.writeHead(status).end(body);
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  for (const path of Object.keys(bodies)) {
    const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    await t.rejects(
      createVerifier({ issuer: ISSUER, jwksUri }).verify(accessToken),
      { code: 'SERVICE_UNAVAILABLE' },
      path,
    );
  }
});

t.test('throws where a handler asks for the token of a request that was not verified', async (t) => {
  t.throws(() => tokenOf({}), /has not passed the middleware/);
});
