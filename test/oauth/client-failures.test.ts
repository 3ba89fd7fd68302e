/** Failed client authentication: what is audited and counted, and that it costs the same for every reason. */
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto, { randomUUID } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import t from 'tap';
import { eq } from 'drizzle-orm';
import { auditEvents } from '../../src/db/schema/index.js';
import { generateSigningKey } from '../../src/signing-keys/key-material.js';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import { postForm } from '../helpers/oauth-requests.js';
import { sentBy } from '../helpers/statements.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '1000/1m' });
const ENDPOINTS = ['/oauth/token', '/oauth/revoke', '/oauth/introspect', '/oauth/device_authorization'];
const REFUSED = { status: 401, body: { error: 'invalid_client' } };
const failuresFrom = (ip: string) => app.db.executor.select().from(auditEvents).where(eq(auditEvents.ipAddress, ip));
const secretOf = (id: string, secret: string) => ({ client_id: id, client_secret: secret });

t.test('audits a failure at each endpoint with the client, and nothing of what was sent', async (t) => {
  const { client } = await seedClient(app);
  for (const [at, endpoint] of ENDPOINTS.entries()) {
    const ip = `192.0.2.${at + 1}`;
    t.match(await postForm(app, endpoint, secretOf(client.id, 'a guess'), {}, ip), REFUSED, endpoint);
    t.match(await postForm(app, endpoint, secretOf('no-such-client', 'a guess'), {}, ip), REFUSED, endpoint);
    const rows = await failuresFrom(ip);
    t.same(rows.map(({ detail }) => detail).sort(), [`client ${client.id}`, 'unknown client']);
    for (const row of rows) t.match(row, { type: 'oauth_client.auth_failed', userId: null, actorId: null });
  }
});

t.test('audits twenty failures of a network in fifteen minutes, and that more follow', async (t) => {
  const { client } = await seedClient(app);
  const ip = '192.0.2.99';
  const fail = async (times: number) => {
    for (let each = 0; each < times; each += 1)
      t.match(await postForm(app, '/oauth/token', secretOf(client.id, `guess ${each}`), {}, ip), REFUSED);
    return (await failuresFrom(ip)).filter(({ type }) => type === 'oauth_client.auth_failed').length;
  };
  t.equal(await fail(30), 20);
  const throttled = (await failuresFrom(ip)).filter(({ type }) => type === 'request.throttled');
  t.match(throttled, [{ detail: 'oauth client authentication', userId: null }]);
  app.clock.advance(900_000);
  t.equal(await fail(1), 21);
});

t.test('audits no failure beyond the rate limit of the address', async (t) => {
  const limited = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '3/1m' });
  for (let each = 0; each < 6; each += 1) await postForm(limited, '/oauth/token', secretOf('x', 'y'), {}, '192.0.2.1');
  t.equal(await limited.db.executor.$count(auditEvents), 3);
});

t.test('counts failures by endpoint, for metrics', async (t) => {
  const counted = await startTestApp(t);
  for (const endpoint of [...ENDPOINTS, '/oauth/token']) await postForm(counted, endpoint, secretOf('x', 'y'));
  const { payload } = await counted.server.inject('/metrics');
  const failures = 'latchkey_oauth_client_authentication_failures_total';
  for (const endpoint of ENDPOINTS)
    t.match(payload, `${failures}{endpoint="${endpoint}"} ${endpoint === '/oauth/token' ? 2 : 1}\n`);
});

const request = new AsyncLocalStorage<true>();

/** The calls of functions of node:crypto, and the statements, that a request causes. */
async function workOf(form: Record<string, string>): Promise<Record<string, number>> {
  const calls: Record<string, number> = {};
  const originals = { ...crypto };
  const names = ['createHash', 'timingSafeEqual', 'createPublicKey', 'verify'] as const;
  for (const name of names) {
    calls[name] = 0;
    const original = originals[name] as (...args: unknown[]) => unknown;
    const counted = (...args: unknown[]) => {
      // Jobs and events run meanwhile.
      if (request.getStore()) calls[name]! += 1;
      return original(...args);
    };
    Object.assign(crypto, { [name]: counted });
  }
  syncBuiltinESMExports();
  try {
    const before = await app.db.executor.$count(auditEvents);
    const sent = await sentBy(app.db, () => request.run(true, () => postForm(app, '/oauth/token', form)));
    // Jobs send logout tokens and delete what has expired meanwhile.
    const ofRequest = sent.filter(
      ({ text }) => /oauth_client|rate_limits/.test(text) && !/^delete|oauth_logout_notices/i.test(text),
    );
    calls['statements'] = ofRequest.length;
    calls['audited'] = (await app.db.executor.$count(auditEvents)) - before;
    return calls;
  } finally {
    for (const name of names) Object.assign(crypto, { [name]: originals[name] });
    syncBuiltinESMExports();
  }
}

t.test('does the same work for an unknown client as for a wrong secret', async (t) => {
  const { client } = await seedClient(app);
  const open = await seedClient(app, { type: 'PUBLIC', authMethod: 'NONE' });
  const disabled = await seedClient(app, { disabledAt: new Date(app.clock.now()) });
  const wrong = await workOf(secretOf(client.id, 'wrong'));
  t.match(wrong, { timingSafeEqual: 2, statements: 2, audited: 1 });
  for (const [name, form] of Object.entries({
    'an unknown client': secretOf(randomUUID(), 'wrong'),
    'a public client': secretOf(open.client.id, 'wrong'),
    'a disabled client': secretOf(disabled.client.id, disabled.secret),
  }))
    t.same(await workOf(form), wrong, name);
});

t.test('does the same work for an assertion of an unknown client as for a wrong signature', async (t) => {
  for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
    const { publicJwk, kid } = await generateSigningKey(algorithm);
    const { client } = await seedClient(app, { authMethod: 'PRIVATE_KEY_JWT', jwks: { keys: [publicJwk] } });
    const { client: other } = await seedClient(app);
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const assertion = (id: string) => {
      const claims = { iss: id, sub: id, aud: 'http://auth.test', exp: app.clock.now() / 1000 + 60, jti: randomUUID() };
      const client_assertion = `${encode({ alg: algorithm, kid })}.${encode(claims)}.${'A'.repeat(86)}`;
      return { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion };
    };
    const wrong = await workOf(assertion(client.id));
    t.match(wrong, { createPublicKey: 1, verify: 1, statements: 2, audited: 1 }, algorithm);
    t.same(await workOf(assertion(randomUUID())), wrong, `${algorithm}, unknown client`);
    t.same(await workOf(assertion(other.id)), wrong, `${algorithm}, client with a secret`);
  }
});
