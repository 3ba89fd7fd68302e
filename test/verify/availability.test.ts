/** What `latchkey/verify` does without keys: 503 while they cannot be fetched, and few requests for them. */
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

t.test('refuses to create a verifier without an issuer', async (t) => {
  const expected = { name: 'TypeError', message: /^issuer: / };
  t.throws(() => createVerifier({ issuer: '', jwksUri: 'https://auth.test/jwks' }), expected);
  // @ts-expect-error -- a caller without types, whose environment variable is not set
  t.throws(() => createVerifier({ issuer: undefined, jwksUri: 'https://auth.test/jwks' }), expected);
});
