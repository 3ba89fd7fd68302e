/** `latchkey/verify` while the keys cannot be fetched: the last keys, 503 without them, and few requests. */
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { createVerifier } from '../../src/verify/index.js';
import { startTestApp } from '../helpers/app.js';

const ISSUER = 'http://auth.test';
const app = await startTestApp(t);
const { accessToken } = await app.user();
const KEYS = (await app.server.inject('/.well-known/jwks.json')).body;

/** The address of a server. */
async function listening(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('answers 503 when the JWKS response is an error or no key set', async (t) => {
  const bodies: Record<string, [number, string]> = {
    '/html': [200, '<p>'],
    '/list': [200, '[]'],
    '/error': [500, '{"keys":[]}'],
  };
  const url = await listening(t, ({ url }, response) => {
    const [status, body] = bodies[url!]!;
    response.writeHead(status).end(body);
  });
  for (const path of Object.keys(bodies)) {
    const verifier = createVerifier({ issuer: ISSUER, jwksUri: url + path });
    await t.rejects(verifier.verify(accessToken), { code: 'SERVICE_UNAVAILABLE' }, path);
  }
});

for (const [failure, failing] of [
  ['an error', 500],
  ['a connection that closes', 0],
] as const) {
  t.test(`requests the keys again after ${failure}, but not within the cooldown`, async (t) => {
    let requests = 0;
    let status: number = failing;
    const jwksUri = await listening(t, (request, response) => {
      requests += 1;
      if (status === 0) request.socket.destroy();
      else response.writeHead(status).end(KEYS);
    });
    const patient = createVerifier({ issuer: ISSUER, jwksUri, cooldown: 3_600_000 });
    const eager = createVerifier({ issuer: ISSUER, jwksUri, cooldown: 0 });
    for (const verifier of [patient, patient, eager, eager])
      await t.rejects(verifier.verify(accessToken), { code: 'SERVICE_UNAVAILABLE' });
    t.equal(requests, 3);
    status = 200;
    await t.rejects(patient.verify(accessToken), { code: 'SERVICE_UNAVAILABLE' });
    await t.resolves(eager.verify(accessToken));
  });
}

/** A verifier whose clock the test moves, and whose issuer it can stop. It requests the keys at every occasion. */
async function withOutages(t: Test) {
  let now = Date.now();
  // jose compares the age of the keys with Date.now, but the expiry of tokens with `new Date()`.
  t.intercept(Date, 'now', { value: () => now });
  const issuer = { isDown: false, requests: 0 };
  const jwksUri = await listening(t, (_request, response) => {
    issuer.requests += 1;
    response.writeHead(issuer.isDown ? 500 : 200).end(KEYS);
  });
  const lines: string[] = [];
  const log = { warn: (_fields: object, message: string) => void lines.push(message) };
  const verifier = createVerifier({ issuer: ISSUER, jwksUri, cooldown: 0, cacheMaxAge: 600_000, log });
  await verifier.verify(accessToken);
  return { issuer, verifier, lines, advance: (ms: number) => void (now += ms) };
}

t.test('uses the last keys for one hour after they have expired if the issuer is down, and logs it once', async (t) => {
  const { issuer, verifier, lines, advance } = await withOutages(t);
  issuer.isDown = true;
  advance(600_000);
  await t.resolves(Promise.all([verifier.verify(accessToken), verifier.verify(accessToken)]));
  advance(3_599_999);
  await t.resolves(verifier.verify(accessToken));
  t.strictSame(lines, ['The signing keys of Latchkey cannot be fetched; the last ones are used']);
  advance(1);
  await t.rejects(verifier.verify(accessToken), { code: 'SERVICE_UNAVAILABLE' });
});

t.test('answers 503 for an unknown key if the issuer is down', async (t) => {
  const { issuer, verifier, advance } = await withOutages(t);
  issuer.isDown = true;
  const [, ...rest] = accessToken.split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: 'another' })).toString('base64url');
  for (const ms of [0, 600_000]) {
    advance(ms);
    await t.rejects(verifier.verify([header, ...rest].join('.')), { code: 'SERVICE_UNAVAILABLE' }, `${ms}`);
  }
});

t.test('fetches the keys once after an outage', async (t) => {
  const { issuer, verifier, lines, advance } = await withOutages(t);
  issuer.isDown = true;
  advance(600_000);
  await verifier.verify(accessToken);
  issuer.isDown = false;
  issuer.requests = 0;
  for (let i = 0; i < 20; i += 1) await verifier.verify(accessToken);
  t.equal(issuer.requests, 1);
  issuer.isDown = true;
  advance(600_000);
  await verifier.verify(accessToken);
  t.equal(lines.length, 2, 'a second outage is logged again');
});

t.test('refuses to create a verifier without an issuer', async (t) => {
  const expected = { name: 'TypeError', message: /^issuer: / };
  t.throws(() => createVerifier({ issuer: '', jwksUri: 'https://auth.test/jwks' }), expected);
  // @ts-expect-error -- a caller without types, whose environment variable is not set
  t.throws(() => createVerifier({ issuer: undefined, jwksUri: 'https://auth.test/jwks' }), expected);
});
