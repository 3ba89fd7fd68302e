/** `latchkey/verify` with the API keys of a running Latchkey. */
import t from 'tap';
import { createVerifier, hasScopes, type IntrospectionOptions } from '../../src/verify/index.js';
import { createKey, createServiceAccountKey, REVOKE_KEY, ROTATE_KEY } from '../helpers/api-keys.js';
import { seedClient } from '../helpers/oauth.js';
import { inventedKey } from '../helpers/introspection.js';
import { registerAdmin, setAccount } from '../helpers/seed.js';
import { ISSUER, startWithVerifier } from '../helpers/verifier.js';

const { app, jwksUri, verifier: withoutIntrospection } = await startWithVerifier(t);
const resourceServer = await seedClient(app, { mayIntrospect: true });
const requests = () => app.logs.filter(({ url }) => url === '/oauth/introspect').length;
const lines: string[] = [];

/** A verifier that asks Latchkey each time. */
const verifierOf = ({ client, secret } = resourceServer, options: Partial<IntrospectionOptions> = {}) =>
  createVerifier({
    issuer: ISSUER,
    jwksUri,
    introspection: {
      clientId: client.id,
      clientSecret: secret,
      endpoint: new URL('/oauth/introspect', jwksUri),
      cacheMaxAge: 0,
      negativeCacheMaxAge: 0,
      ...options,
    },
    log: { warn: (_fields, message) => void lines.push(message) },
  });
const verifier = verifierOf();
const isRefused = { code: 'INVALID_API_KEY', status: 401 };

t.test('accepts an API key in either header, with its owner and scopes', async (t) => {
  const user = await app.user();
  const expiresAt = new Date(Math.ceil(app.clock.now() / 1000) * 1000 + 3_600_000);
  const { key } = await createKey(user.client, { scopes: ['read:content'], expiresAt: expiresAt.toISOString() });
  const token = await verifier.authenticate(undefined, { apiKey: key });
  t.match(
    { ...token, scopes: [...token.scopes] },
    {
      kind: 'api-key',
      subject: user.id,
      sessionId: undefined,
      clientId: undefined,
      scopes: ['read:content'],
      expiresAt,
      claims: { username: user.username, token_type: 'api_key' },
    },
  );
  t.ok(hasScopes(token, [['read:content']]));
  t.notOk(hasScopes(token, [['read:profile']]));
  t.match(await verifier.authenticate(`Bearer ${key}`), { kind: 'api-key', subject: user.id });
  t.match(await verifier.authenticate('Basic eDp5', { apiKey: key }), { kind: 'api-key' });
  const other = await createKey(user.client);
  t.equal((await verifier.verify(other.key)).expiresAt, undefined);
});

t.test('accepts the key of a service account', async (t) => {
  const admin = await registerAdmin(app);
  const { key, serviceAccountId } = await createServiceAccountKey(admin.client, ['read:content']);
  t.match(await verifier.verify(key), { kind: 'api-key', subject: serviceAccountId });
});

t.test('accepts access tokens as before, and refuses both credentials at once', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const bearer = `Bearer ${user.accessToken}`;
  t.match(await verifier.authenticate(bearer), { kind: 'access-token', subject: user.id });
  t.match(await verifier.authenticate(bearer, { apiKey: '' }), { kind: 'access-token' });
  for (const authorization of [bearer, `Bearer ${key}`])
    await t.rejects(verifier.authenticate(authorization, { apiKey: key }), { code: 'INVALID_TOKEN', status: 401 });
  await t.rejects(verifier.authenticate(undefined, {}), { code: 'MISSING_TOKEN', message: /or an API key/ });
  await t.rejects(verifier.authenticate(undefined, { apiKey: user.accessToken }), isRefused);
  await t.rejects(withoutIntrospection.authenticate(`Bearer ${key}`), { code: 'INVALID_TOKEN' });
  await t.rejects(withoutIntrospection.authenticate(undefined, { apiKey: key }), { code: 'MISSING_TOKEN' });
});

t.test('refuses a malformed key without a request', async (t) => {
  const { key } = await createKey((await app.user()).client);
  const before = requests();
  const swapped = key.replace(/^(sk_live_)(.)(.)/, (_all, prefix, a, b) => `${prefix}${a === b ? '0' : b}${a}`);
  const malformed = {
    'another prefix': key.replace('sk_live_', 'sk_test_'),
    'one digit too few': key.slice(0, -1),
    'one digit too many': `${key}0`,
    'swapped digits': swapped,
    'a character that is no digit': key.replace(/.$/, '-'),
    'a line break at the end': key.replace(/.$/, '\n'),
    'the prefix alone': 'sk_live_',
    'two keys': `${key}, ${key}`,
  };
  for (const [what, apiKey] of Object.entries(malformed))
    await t.rejects(verifier.authenticate(undefined, { apiKey }), isRefused, what);
  await t.rejects(verifier.authenticate(undefined, { apiKey: [key, key] }), isRefused);
  await t.rejects(verifier.verify(swapped), isRefused);
  t.equal(requests(), before);
});

t.test('refuses keys that are unknown, revoked, expired, of another network or of a disabled owner', async (t) => {
  const user = await app.user();
  await t.rejects(verifier.verify(inventedKey()), isRefused);

  const revoked = await createKey(user.client);
  await verifier.verify(revoked.key);
  await user.client.send(REVOKE_KEY, { id: revoked.id });
  await t.rejects(verifier.verify(revoked.key), isRefused);

  const { key } = await createKey(user.client, { networks: ['192.0.2.0/24', '2001:db8::/32'] });
  for (const ipAddress of ['192.0.2.9', '::ffff:192.0.2.9', '2001:db8::9'])
    t.match(await verifier.verify(key, { ipAddress }), { subject: user.id }, ipAddress);
  for (const ipAddress of ['198.51.100.9', '2001:db9::9', undefined])
    await t.rejects(verifier.verify(key, { ipAddress }), isRefused, `${ipAddress}`);

  const expiring = await createKey(user.client, { expiresAt: new Date(app.clock.now() + 60_000).toISOString() });
  await verifier.verify(expiring.key);
  app.clock.advance(60_000);
  await t.rejects(verifier.verify(expiring.key), isRefused);

  const other = await app.user();
  const owned = await createKey(other.client);
  await setAccount(app.db, other.id, 'disabled');
  await t.rejects(verifier.verify(owned.key), isRefused);
});

t.test('accepts both secrets of a rotated key during the overlap, and the new one afterwards', async (t) => {
  const user = await app.user();
  const { id, key } = await createKey(user.client);
  const { data } = await user.client.send(ROTATE_KEY, { id, overlap: '1m' });
  const next = data!['rotateApiKey'].key as string;
  for (const each of [key, next]) t.match(await verifier.verify(each), { subject: user.id });
  app.clock.advance(60_000);
  await t.rejects(verifier.verify(key), isRefused);
  t.match(await verifier.verify(next), { subject: user.id });
});

t.test(
  'a wrong secret of the client is an error of the service, and one without the permission sees no key',
  async (t) => {
    const { key } = await createKey((await app.user()).client);
    lines.length = 0;
    const { client } = resourceServer;
    await t.rejects(verifierOf({ client, secret: 'wrong' }).verify(key), { code: 'INTERNAL_ERROR', status: 500 });
    t.same(lines, ['Latchkey refuses introspection; check its options']);
    await t.rejects(verifierOf(await seedClient(app)).verify(key), isRefused);
  },
);

t.test('with accessTokens, refuses a token whose session has ended, and narrows its scopes', async (t) => {
  const eager = verifierOf(resourceServer, { accessTokens: true });
  const admin = await registerAdmin(app);
  t.ok((await eager.verify(admin.accessToken)).scopes.has('admin'));
  await setAccount(app.db, admin.id, 'enabled');
  t.notOk((await eager.verify(admin.accessToken)).scopes.has('admin'), 'after a demotion');
  const user = await app.user();
  await eager.verify(user.accessToken);
  await user.client.send('mutation { logout }');
  await t.rejects(eager.verify(user.accessToken), { code: 'INVALID_TOKEN', status: 401 });
  t.match(await verifier.verify(user.accessToken), { subject: user.id }, 'not without the option');
  const before = requests();
  await t.rejects(eager.verify(`${user.accessToken.slice(0, -4)}AAAA`), { code: 'INVALID_TOKEN' });
  t.equal(requests(), before, 'a forged token costs no request');
});
