/** Introspection by `latchkey/verify`: what is sent, the cache, outages and wrong settings. */
import t, { type Test } from 'tap';
import { createVerifier, type VerificationError, type Verifier } from '../../src/verify/index.js';
import { ACTIVE, CLIENT, INACTIVE, inventedKey, sendJson, startEndpoint } from '../helpers/introspection.js';
import { ISSUER } from '../helpers/verifier.js';

const MINUTE = 60_000;

/** An endpoint, and a clock that the test moves. */
async function setUp(t: Test) {
  let now = Date.now();
  t.intercept(Date, 'now', { value: () => now });
  const endpoint = await startEndpoint(t);
  return { endpoint, now: () => now, advance: (ms: number) => void (now += ms) };
}

const codeOf = (verifying: Promise<unknown>) =>
  verifying.then(
    () => 'accepted',
    (error: unknown) => (error as VerificationError).code,
  );

t.test('sends the key, the address and the credentials of the client (RFC 7662 section 2.1)', async (t) => {
  const { endpoint } = await setUp(t);
  const key = inventedKey();
  await endpoint.verifier().verify(key, { ipAddress: '192.0.2.1' });
  await endpoint.verifier().verify(key);
  const basic = Buffer.from('service:a%20secret%3A%20100%25').toString('base64');
  t.same(endpoint.received, [
    { form: { token: key, ip_address: '192.0.2.1' }, authorization: `Basic ${basic}` },
    { form: { token: key }, authorization: `Basic ${basic}` },
  ]);
});

t.test('asks once for a key until the result is too old', async (t) => {
  const { endpoint, advance } = await setUp(t);
  const [verifier, key] = [endpoint.verifier({ cacheMaxAge: MINUTE }), inventedKey()];
  await verifier.verify(key);
  advance(MINUTE - 1);
  await verifier.verify(key);
  t.equal(endpoint.received.length, 1);
  await verifier.verify(key, { ipAddress: '192.0.2.1' });
  t.equal(endpoint.received.length, 2, 'a key may be valid in one network only');
  advance(1);
  endpoint.respond = (_request, response) => sendJson(response, INACTIVE);
  t.equal(await codeOf(verifier.verify(key)), 'INVALID_API_KEY');
});

t.test('counts the age from the request, because the key may be revoked before the response arrives', async (t) => {
  const { endpoint, advance } = await setUp(t);
  const [verifier, key] = [endpoint.verifier({ cacheMaxAge: MINUTE }), inventedKey()];
  endpoint.respond = (_request, response) => {
    advance(MINUTE);
    sendJson(response, ACTIVE);
  };
  await verifier.verify(key);
  await verifier.verify(key);
  t.equal(endpoint.received.length, 2);
});

t.test('caches a key no longer than it is valid', async (t) => {
  const { endpoint, now, advance } = await setUp(t);
  const exp = Math.floor(now() / 1000) + 2;
  endpoint.respond = (_request, response) => sendJson(response, { ...ACTIVE, exp });
  const [verifier, key] = [endpoint.verifier({ cacheMaxAge: MINUTE }), inventedKey()];
  t.same((await verifier.verify(key)).expiresAt, new Date(exp * 1000));
  advance(exp * 1000 - now() - 1);
  await verifier.verify(key);
  t.equal(endpoint.received.length, 1);
  endpoint.respond = (_request, response) => sendJson(response, INACTIVE);
  advance(1);
  t.equal(await codeOf(verifier.verify(key)), 'INVALID_API_KEY');
});

t.test('asks again if the clock was set back', async (t) => {
  const { endpoint, advance } = await setUp(t);
  const [verifier, key] = [endpoint.verifier(), inventedKey()];
  await verifier.verify(key);
  advance(-1);
  await verifier.verify(key);
  t.equal(endpoint.received.length, 2);
});

t.test('caches a negative result for a shorter time', async (t) => {
  const { endpoint, advance } = await setUp(t);
  endpoint.respond = (_request, response) => sendJson(response, INACTIVE);
  const [verifier, key] = [endpoint.verifier({ negativeCacheMaxAge: 5000 }), inventedKey()];
  for (const ms of [0, 4999]) {
    advance(ms);
    t.equal(await codeOf(verifier.verify(key)), 'INVALID_API_KEY');
  }
  t.equal(endpoint.received.length, 1);
  endpoint.respond = (_request, response) => sendJson(response, ACTIVE);
  advance(1);
  t.equal(await codeOf(verifier.verify(key)), 'accepted');
});

t.test('shares one request between concurrent lookups of a key, also if it fails', async (t) => {
  const { endpoint, advance } = await setUp(t);
  const [verifier, key, other] = [endpoint.verifier({ cacheMaxAge: 0 }), inventedKey(), inventedKey()];
  await Promise.all([verifier.verify(key), verifier.verify(key), verifier.verify(other)]);
  t.equal(endpoint.received.length, 2);
  endpoint.respond = (_request, response) => response.writeHead(500).end();
  const codes = await Promise.all([key, key, key].map((each) => codeOf(verifier.verify(each))));
  t.same(codes, Array(3).fill('SERVICE_UNAVAILABLE'));
  t.equal(endpoint.received.length, 3);
  advance(1000);
  await codeOf(verifier.verify(key));
  t.equal(endpoint.received.length, 4, 'a failure is not cached');
});

t.test('keeps the keys that were used last, and lets wrong keys evict none', async (t) => {
  const { endpoint } = await setUp(t);
  const verifier = endpoint.verifier({ cacheMaxEntries: 2 });
  const [first, second, third] = [inventedKey(), inventedKey(), inventedKey()];
  for (const key of [first, second, first, third]) await verifier.verify(key);
  t.equal(endpoint.received.length, 3);
  endpoint.respond = (_request, response) => sendJson(response, INACTIVE);
  for (let i = 0; i < 4; i += 1) await codeOf(verifier.verify(inventedKey()));
  t.same(await Promise.all([first, third, second].map((key) => codeOf(verifier.verify(key)))), [
    'accepted',
    'accepted',
    'INVALID_API_KEY',
  ]);
});

t.test('keeps no key, only its SHA-256', async (t) => {
  const { endpoint } = await setUp(t);
  const [verifier, key] = [endpoint.verifier(), inventedKey()];
  const { set } = Map.prototype;
  const stored: unknown[] = [];
  t.intercept(Map.prototype, 'set', {
    value(this: Map<unknown, unknown>, name: unknown, value: unknown) {
      stored.push(name, value);
      return set.call(this, name, value);
    },
  });
  await verifier.verify(key, { ipAddress: '192.0.2.1' });
  const names = stored.filter((each) => typeof each === 'string' && /^[\w-]{43} 192\.0\.2\.1$/.test(each));
  t.equal(new Set(names).size, 1);
  t.notOk(stored.some((each) => typeof each === 'string' && each.includes(key)));
  t.notMatch(JSON.stringify(stored), key);
});

const FAILURES: Record<string, Awaited<ReturnType<typeof startEndpoint>>['respond']> = {
  'status 500': (_request, response) => response.writeHead(500).end('{}'),
  'a closed connection': (_request, _response, raw) => raw.socket.destroy(),
  HTML: (_request, response) => response.writeHead(200).end('<p>'),
  'a list': (_request, response) => sendJson(response, []),
  'an active key without a subject': (_request, response) => sendJson(response, { ...ACTIVE, sub: undefined }),
};
for (const [failure, respond] of Object.entries(FAILURES))
  t.test(`answers 503 after ${failure}, and asks again after a second`, async (t) => {
    const { endpoint, advance } = await setUp(t);
    endpoint.respond = respond;
    const [verifier, key] = [endpoint.verifier(), inventedKey()];
    await t.rejects(verifier.verify(key), { code: 'SERVICE_UNAVAILABLE', status: 503, details: { retryAfter: 1 } });
    advance(999);
    for (let i = 0; i < 3; i += 1) t.equal(await codeOf(verifier.verify(inventedKey())), 'SERVICE_UNAVAILABLE');
    t.equal(endpoint.received.length, 1);
    t.same(endpoint.warnings, ['Latchkey cannot be reached for introspection']);
    endpoint.respond = (_request, response) => sendJson(response, ACTIVE);
    advance(1);
    t.equal(await codeOf(verifier.verify(key)), 'accepted');
  });

t.test('answers 503 if no response arrives in time', async (t) => {
  const { endpoint } = await setUp(t);
  endpoint.respond = () => undefined;
  t.equal(await codeOf(endpoint.verifier({}, 20).verify(inventedKey())), 'SERVICE_UNAVAILABLE');
});

t.test('waits as long as Retry-After says', async (t) => {
  const { endpoint, advance } = await setUp(t);
  endpoint.respond = (_request, response) => response.writeHead(429, { 'retry-after': '30' }).end();
  const [verifier, key] = [endpoint.verifier(), inventedKey()];
  await t.rejects(verifier.verify(key), { code: 'SERVICE_UNAVAILABLE', details: { retryAfter: 30 } });
  advance(29_000);
  await t.rejects(verifier.verify(key), { code: 'SERVICE_UNAVAILABLE', details: { retryAfter: 1 } });
  t.equal(endpoint.received.length, 1);
});

t.test('uses a cached result during an outage, and no older one', async (t) => {
  const { endpoint, advance } = await setUp(t);
  const [verifier, key] = [endpoint.verifier({ cacheMaxAge: MINUTE }), inventedKey()];
  await verifier.verify(key);
  endpoint.respond = FAILURES['status 500']!;
  t.equal(await codeOf(verifier.verify(inventedKey())), 'SERVICE_UNAVAILABLE');
  t.equal(await codeOf(verifier.verify(key)), 'accepted');
  advance(MINUTE);
  t.equal(await codeOf(verifier.verify(key)), 'SERVICE_UNAVAILABLE');
});

const MISTAKES: Record<string, Awaited<ReturnType<typeof startEndpoint>>['respond']> = {
  'a wrong secret': (_request, response) => response.writeHead(401).end('{"error":"invalid_client"}'),
  'an endpoint that is not there': (_request, response) => response.writeHead(404).end(),
  'a redirect': (_request, response) => response.writeHead(307, { location: '/elsewhere' }).end(),
  'another deployment': (_request, response) => sendJson(response, { ...ACTIVE, iss: 'http://other.test' }),
};
for (const [mistake, respond] of Object.entries(MISTAKES))
  t.test(`answers 500, not 401, for the mistake of ${mistake}`, async (t) => {
    const { endpoint } = await setUp(t);
    endpoint.respond = respond;
    const verifier = endpoint.verifier();
    await t.rejects(verifier.verify(inventedKey()), {
      code: 'INTERNAL_ERROR',
      status: 500,
      message: 'Internal error.',
    });
    t.same(endpoint.warnings, ['Latchkey refuses introspection; check its options']);
    await t.rejects(verifier.verify(inventedKey()), { code: 'INTERNAL_ERROR' });
    t.equal(endpoint.received.length, 1);
  });

t.test('refuses the response about an access token or a refresh token as that of a key', async (t) => {
  const { endpoint } = await setUp(t);
  for (const token_type of ['Bearer', 'refresh_token']) {
    endpoint.respond = (_request, response) => sendJson(response, { ...ACTIVE, token_type });
    t.equal(await codeOf(endpoint.verifier().verify(inventedKey())), 'INVALID_API_KEY', token_type);
  }
});

/** Presents as many wrong keys at once as one network may in a minute. */
async function useUp(verifier: Verifier, ipAddress: string) {
  const codes = await Promise.all(
    Array.from({ length: 100 }, () => codeOf(verifier.verify(inventedKey(), { ipAddress }))),
  );
  return new Set(codes);
}

t.test('limits the wrong keys of one network, and asks nothing for more of them', async (t) => {
  const { endpoint, advance } = await setUp(t);
  const [verifier, known] = [endpoint.verifier({ cacheMaxAge: 10 * MINUTE }), inventedKey()];
  const at = { ipAddress: '2001:db8:0:1::1' };
  for (let i = 0; i < 101; i += 1) await verifier.verify(inventedKey(), at);
  await verifier.verify(known, at);
  endpoint.respond = (_request, response) => sendJson(response, INACTIVE);
  t.same([...(await useUp(verifier, '2001:db8:0:1::2'))], ['INVALID_API_KEY']);
  const before = endpoint.received.length;
  await t.rejects(verifier.verify(inventedKey(), at), {
    code: 'RATE_LIMIT_EXCEEDED',
    status: 429,
    details: { retryAfter: 60 },
  });
  t.equal(endpoint.received.length, before);
  t.equal(await codeOf(verifier.verify(known, at)), 'accepted', 'a key in the cache needs no lookup');
  endpoint.respond = (_request, response) => sendJson(response, ACTIVE);
  for (const ipAddress of ['2001:db8:0:2::1', '192.0.2.1', undefined])
    t.equal(await codeOf(verifier.verify(inventedKey(), { ipAddress })), 'accepted', `${ipAddress}`);
  advance(MINUTE);
  t.equal(await codeOf(verifier.verify(inventedKey(), at)), 'accepted');
});

t.test('refuses to create a verifier without the credentials of the client', async (t) => {
  const expected = { name: 'TypeError', message: /^introspection: clientId and clientSecret/ };
  for (const missing of [{ clientId: '' }, { clientSecret: '' }]) {
    const introspection = { ...CLIENT, ...missing };
    t.throws(() => createVerifier({ issuer: ISSUER, introspection }), expected);
  }
  // @ts-expect-error -- a caller without types, whose environment variable is not set
  t.throws(() => createVerifier({ issuer: ISSUER, introspection: { clientId: undefined } }), expected);
});
