/** A kind of credential is one strategy: request limits, the log and CORS learn of it from there. */
import t from 'tap';
import type { AccountPrincipal, Strategy } from '../../src/authn/strategy.js';
import { AppError } from '../../src/lib/errors.js';
import { startTestApp } from '../helpers/app.js';
import { ME } from '../helpers/seed.js';
import { servicePrincipal, userPrincipal } from '../helpers/principal.js';

const ORIGIN = 'https://app.example.com';
const SCOPES = ['read:profile'];
const keyOf = (name: string) => `key-${name.padStart(60, '0')}`;

const keys = new Map<string, AccountPrincipal>();
const apiKeys: Strategy = {
  kind: 'api-key',
  headers: ['x-api-key'],
  find: ({ 'x-api-key': key }) => key,
  async authenticate(key) {
    const principal = keys.get(key);
    if (!principal) throw new AppError('INVALID_TOKEN', 'The API key is not valid.');
    return principal;
  },
};
const env = { RATE_LIMIT_ANONYMOUS: '5/1m', RATE_LIMIT_AUTHENTICATED: '20/1m', CORS_ORIGINS: ORIGIN };
const app = await startTestApp(t, env, undefined, undefined, [apiKeys]);
let addresses = 0;
const newAddress = () => `198.51.100.${(addresses += 1)}`;

async function send(key: string, ip = newAddress(), query = ME) {
  const { status, code, headers } = await app.client({ ip }).send(query, {}, { headers: { 'x-api-key': key } });
  return { status, code, limit: headers['x-ratelimit-limit'], remaining: headers['x-ratelimit-remaining'] };
}

/** A key that was used once. */
async function usedKey(name: string, principal = userPrincipal({ id: name, kind: 'api-key', scopes: SCOPES })) {
  const key = keyOf(name);
  keys.set(key, principal);
  const { limit } = await send(key);
  t.equal(limit, '5', 'the first request with an unverified key counts by address');
  return key;
}

t.test('counts an API key by its principal, from any address', async (t) => {
  const key = await usedKey('alice');
  t.match(await send(key), { code: undefined, limit: '20', remaining: '19' });
  t.match(await send(key), { code: undefined, limit: '20', remaining: '18' });
});

t.test('counts the keys of one account together', async (t) => {
  const owner = userPrincipal({ id: 'bob', kind: 'api-key', scopes: SCOPES });
  const [first, second] = [await usedKey('bob-1', owner), await usedKey('bob-2', owner)];
  t.match(await send(first), { remaining: '19' });
  t.match(await send(second), { remaining: '18' });
});

t.test('counts a service account', async (t) => {
  const key = await usedKey('service', servicePrincipal(SCOPES));
  t.match(await send(key, newAddress(), '{ __typename }'), { code: undefined, limit: '20', remaining: '19' });
});

t.test('counts forged keys by address, and spends nothing of the account whose key they resemble', async (t) => {
  const key = await usedKey('carol');
  const ip = newAddress();
  const codes = [];
  for (let index = 0; index < 7; index += 1) codes.push((await send(`${index}${key}`, ip)).code);
  t.same(codes, [...Array<string>(5).fill('INVALID_TOKEN'), 'RATE_LIMIT_EXCEEDED', 'RATE_LIMIT_EXCEEDED']);
  t.match(await send(key), { limit: '20', remaining: '19' });
});

t.test('counts a revoked key by address once it was refused', async (t) => {
  const key = await usedKey('dave');
  keys.delete(key);
  t.match(await send(key), { code: 'INVALID_TOKEN' });
  t.match(await send(key), { code: 'INVALID_TOKEN', limit: '5' });
});

t.test('authenticates a known key before counting it when its account has changed', async (t) => {
  const user = await app.user();
  const key = await usedKey('changed', userPrincipal({ id: user.id, kind: 'api-key', scopes: SCOPES }));
  t.match(await send(key), { limit: '20' });
  await user.client.send('mutation { revokeOtherSessions }');
  t.match(await send(key, newAddress(), '{ __typename }'), { limit: '20' }, 'it is still accepted');
  keys.delete(key);
  const changed = new Promise<void>((resolve) => {
    app.events.listen(({ userId }) => void (userId === user.id && resolve()));
  });
  await user.client.send('mutation { logout }');
  await changed;
  t.match(await send(key, newAddress(), '{ __typename }'), { limit: '5' });
});

t.test('names the subject of an API key in the request line', async (t) => {
  await send(await usedKey('erin'));
  t.match(app.logs.filter(({ msg }) => msg === 'request').slice(-2), [{ userId: 'erin' }, { userId: 'erin' }]);
});

t.test('redacts log fields with the name of the header', async (t) => {
  app.server.log.info({ 'x-api-key': 'a key', nested: { 'X-Api-Key': 'a key' }, other: 'text' }, 'fields');
  t.match(app.logs.at(-1), { 'x-api-key': '[redacted]', nested: { 'X-Api-Key': '[redacted]' }, other: 'text' });
});

t.test('allows the header in cross-origin requests', async (t) => {
  const preflight = await app.server.inject({
    method: 'OPTIONS',
    url: '/graphql',
    headers: { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' },
  });
  const allowed = String(preflight.headers['access-control-allow-headers']).split(', ');
  t.ok(allowed.includes('x-api-key') && allowed.includes('authorization'), allowed.join());
});
