/** API keys of accounts: creation, use, rotation, revocation, and what they may not do. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { apiKeys } from '../../src/db/schema/index.js';
import { createKey, CREATE_KEY, KEY_INPUT, MY_KEYS, REVOKE_KEY, ROTATE_KEY, sendWithKey } from '../helpers/api-keys.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, ME, PASSWORD, registerAdmin, UPDATE_ME } from '../helpers/seed.js';
import { sentBy } from '../helpers/statements.js';

const DAY_MS = 86_400_000;
const app = await startTestApp(t, { RATE_LIMIT_AUTHENTICATED: '100000/1m' });
const admin = await registerAdmin(app);
const rowsOf = (userId: string) => app.db.executor.select().from(apiKeys).where(eq(apiKeys.userId, userId));
const ask = async (key: string, query = ME) => (await sendWithKey(app.client(), key, query)).code;

t.test('a new key acts for its owner, in either header', async (t) => {
  const user = await app.user();
  const { key, prefix } = await createKey(user.client);
  t.ok(key.startsWith(prefix));
  const { data } = await sendWithKey(app.client(), key, ME);
  t.equal(data!['me'].id, user.id);
  const bearer = await app.client({ token: key }).send(ME);
  t.equal(bearer.data!['me'].id, user.id);
  const update = await sendWithKey(app.client(), key, UPDATE_ME, { input: { displayName: 'By key' } });
  t.equal(update.data!['updateMe'].displayName, 'By key');
});

t.test('only the hash of the secret is stored', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const [row] = await rowsOf(user.id);
  t.notMatch(JSON.stringify(row), key.slice(30, 73));
  t.match(row!.secretHash, /^[\w-]{43}$/);
});

t.test('the owner lists keys without their secrets, and nobody else does', async (t) => {
  const user = await app.user();
  const { id, key } = await createKey(user.client, { networks: ['10.0.0.5/8'], name: ' Two  words ' });
  const { data } = await user.client.send(MY_KEYS);
  t.match(data!['me'].apiKeys, [
    { id, name: 'Two words', prefix: key.slice(0, 30), networks: ['10.0.0.0/8'], expiresAt: null, lastUsedAt: null },
  ]);
  t.notOk(JSON.stringify(data).includes(key.slice(30)));
  t.equal(await ask(key, MY_KEYS), 'INSUFFICIENT_PERMISSIONS');
  const other = await admin.client.send(`{ user(id: "${user.id}") { apiKeys { id } } }`);
  t.equal(other.code, 'INSUFFICIENT_PERMISSIONS', 'administrators use userApiKeys');
});

t.test('rejects bad input with every error and creates nothing', async (t) => {
  const user = await app.user();
  const at = (ms: number) => new Date(app.clock.now() + ms).toISOString();
  const create = async (input: object) => {
    const { code, errors } = await user.client.send(CREATE_KEY, { input: { ...KEY_INPUT, ...input } });
    return [code, ...(errors[0]?.extensions.details ?? []).map(({ field }) => field)];
  };
  const all = { name: 'a\u0000b', scopes: ['admin'], expiresAt: at(-1), networks: ['nowhere'] };
  t.same(await create(all), ['VALIDATION_ERROR', 'name', 'scopes', 'expiresAt', 'networks']);
  t.same(await create({ name: '\u202eevil' }), ['VALIDATION_ERROR', 'name']);
  t.same(await create({ name: 'x'.repeat(65) }), ['VALIDATION_ERROR', 'name']);
  t.same(await create({ scopes: [] }), ['VALIDATION_ERROR', 'scopes']);
  t.same(await create({ scopes: ['openid'] }), ['VALIDATION_ERROR', 'scopes']);
  t.same(await create({ scopes: ['__proto__'] }), ['VALIDATION_ERROR', 'scopes']);
  t.same(await create({ expiresAt: at(0) }), ['VALIDATION_ERROR', 'expiresAt']);
  t.same(await create({ expiresAt: at(3651 * DAY_MS) }), ['VALIDATION_ERROR', 'expiresAt']);
  t.same(await create({ networks: Array.from({ length: 33 }, () => '10.0.0.0/8') }), ['VALIDATION_ERROR', 'networks']);
  for (const expiresAt of ['tomorrow', '2026-02-30T00:00:00Z', '2027-01-01', 1_800_000_000, '2027-01-01T00:00:00'])
    t.equal((await create({ expiresAt }))[0], 'VALIDATION_ERROR', `expiresAt ${expiresAt}`);
  t.same(await rowsOf(user.id), []);
});

t.test('a session with fewer scopes makes no key with more', async (t) => {
  const user = await app.user();
  const { data } = await app
    .client()
    .send('mutation ($token: String!) { refresh(refreshToken: $token, scope: "read:content") { accessToken } }', {
      token: user.refreshToken,
    });
  const client = app.client({ token: data!['refresh'].accessToken });
  t.equal((await client.send(CREATE_KEY, { input: KEY_INPUT })).code, 'VALIDATION_ERROR');
  t.same(await rowsOf(user.id), []);
});

t.test('keys of administrators may have the scope admin, until their owner is demoted', async (t) => {
  const other = await registerAdmin(app);
  const { key } = await createKey(other.client, { scopes: ['admin', 'read:profile'] });
  const users = '{ users(first: 1) { edges { cursor } } }';
  t.equal(await ask(key, users), undefined);
  await admin.client.send(`mutation { updateUser(id: "${other.id}", input: { role: USER }) { id } }`);
  t.equal(await ask(key, users), 'INSUFFICIENT_PERMISSIONS');
  t.equal(await ask(key), undefined, 'the scopes of users remain');
});

t.test('a key has its scopes alone', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client, { scopes: ['read:content'] });
  t.equal(await ask(key), 'INSUFFICIENT_PERMISSIONS');
});

t.test('an account has at most 50 keys', async (t) => {
  const user = await app.user();
  const created = [];
  for (let each = 0; each < 50; each += 1) created.push(await createKey(user.client));
  t.equal((await user.client.send(CREATE_KEY, { input: KEY_INPUT })).code, 'VALIDATION_ERROR');
  await user.client.send(REVOKE_KEY, { id: created[0]!.id });
  await createKey(user.client);
  t.equal((await rowsOf(user.id)).length, 51);
});

t.test('refuses a key from the moment of its expiry', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client, { expiresAt: new Date(app.clock.now() + DAY_MS).toISOString() });
  app.clock.advance(DAY_MS - 1);
  t.equal(await ask(key), undefined);
  app.clock.advance(1);
  t.equal(await ask(key), 'INVALID_API_KEY');
});

t.test('accepts a key from its networks alone', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client, { networks: ['192.0.2.0/24', '2001:db8::/32'] });
  const from = async (ip: string) => (await sendWithKey(app.client({ ip }), key, ME)).code;
  t.equal(await from('192.0.2.200'), undefined);
  t.equal(await from('::ffff:192.0.2.1'), undefined, 'IPv4-mapped');
  t.equal(await from('2001:db8:5::1'), undefined);
  t.equal(await from('192.0.3.1'), 'INVALID_API_KEY');
  t.equal(await from('2001:db9::1'), 'INVALID_API_KEY');
  t.equal(await from('192.0.2.1'), undefined, 'a refusal elsewhere changes nothing');
});

t.test('gives the same error for every reason, and no more', async (t) => {
  const user = await app.user();
  const keys = [await createKey(user.client), await createKey(user.client, { networks: ['203.0.113.0/24'] })];
  const stranger = await createKey(user.client);
  await app.db.executor.delete(apiKeys).where(eq(apiKeys.id, stranger.id));
  await user.client.send(REVOKE_KEY, { id: keys[0]!.id });
  const other = await createKey(user.client);
  const rotated = await user.client.send(ROTATE_KEY, { id: other.id });
  t.ok(rotated.data);
  const wrong = [...keys, stranger, other].map(({ key }) => key);
  for (const key of [...wrong, 'sk_live_', `${wrong[0]}x`, 'x']) {
    const { status, errors } = await sendWithKey(app.client(), key, ME);
    t.equal(status, 401);
    const path = ['me'];
    t.match(errors, [{ message: 'The API key is not valid.', path, extensions: { code: 'INVALID_API_KEY' } }]);
    t.same(Object.keys(errors[0]!.extensions), ['code']);
  }
});

t.test('a malformed key, and a bearer token with the prefix, cost no query', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const mutants = Array.from(
    { length: 40 },
    (_, at) => `${key.slice(0, 8 + at)}${key[8 + at] === '0' ? '1' : '0'}${key.slice(9 + at)}`,
  );
  const sent = await sentBy(app.db, async () => {
    for (const mutant of mutants) t.equal(await ask(mutant), 'INVALID_API_KEY');
    t.equal((await app.client({ token: 'sk_live_x' }).send(ME)).code, 'INVALID_API_KEY');
  });
  // A job writes the uses of earlier keys meanwhile.
  t.same(
    sent.filter(({ text }) => text.includes('from "api_keys"')),
    [],
  );
  const read = await sentBy(app.db, () => Promise.all(Array.from({ length: 20 }, () => ask(key))));
  const reads = read.filter(({ text }) => text.includes('from "api_keys"')).length;
  // How many requests arrive in one turn depends on the database.
  t.ok(reads >= 1 && reads < 10, `20 concurrent requests share statements: ${reads}`);
});

t.test('refuses two credentials in one request', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const headers = { 'x-api-key': key };
  const two = await user.client.send(ME, {}, { headers });
  t.match(two.errors, [{ message: /Send one credential/, extensions: { code: 'INVALID_TOKEN' } }]);
  t.equal((await app.client({ token: key }).send(ME, {}, { headers })).code, 'INVALID_TOKEN', 'the same key twice');
  const basic = await app.client().send(ME, {}, { headers: { ...headers, authorization: 'Basic eDp5' } });
  t.equal(basic.code, undefined, 'another scheme is no credential');
});

t.test('keys make, change and list no keys, sessions, factors or passwords', async (t) => {
  const user = await registerAdmin(app);
  const { key, id } = await createKey(user.client, { scopes: ['admin', 'read:profile', 'write:profile'] });
  const before = await rowsOf(user.id);
  const documents = [
    'mutation { createApiKey(input: { name: "x", scopes: ["read:profile"] }) { key } }',
    `mutation { rotateApiKey(id: "${id}") { key } }`,
    `mutation { revokeApiKey(id: "${id}") }`,
    `mutation { revokeUserApiKey(id: "${id}") }`,
    `{ userApiKeys(userId: "${user.id}") { id } }`,
    '{ me { sessions { id } } }',
    '{ me { secondFactors { required } } }',
    'mutation { startTotpEnrollment { uri } }',
    'mutation { revokeOtherSessions }',
    `mutation { changePassword(input: { currentPassword: "${PASSWORD}", newPassword: "another long password" }) { scope } }`,
    'mutation { updateMe(input: { email: "other@mail.test" }) { id } }',
    'mutation { createServiceAccount(input: { name: "x", scopes: [] }) { id } }',
  ];
  for (const document of documents) t.equal(await ask(key, document), 'INSUFFICIENT_PERMISSIONS', document);
  t.same(
    (await rowsOf(user.id)).map(({ secretHash, revokedAt }) => [secretHash, revokedAt]),
    before.map(({ secretHash, revokedAt }) => [secretHash, revokedAt]),
  );
});

t.test('creation and rotation need a recent login', async (t) => {
  const user = await app.user();
  const { id, key } = await createKey(user.client);
  const token = user.refreshToken;
  app.clock.advance(16 * 60_000);
  const { data } = await app
    .client()
    .send('mutation ($token: String!) { refresh(refreshToken: $token) { accessToken } }', { token });
  const client = app.client({ token: data!['refresh'].accessToken });
  t.equal((await client.send(CREATE_KEY, { input: KEY_INPUT })).code, 'STEP_UP_REQUIRED');
  t.equal((await client.send(ROTATE_KEY, { id })).code, 'STEP_UP_REQUIRED');
  t.equal(await ask(key), undefined);
  t.equal((await client.send(REVOKE_KEY, { id })).data!['revokeApiKey'], true, 'a revocation needs none');
});

t.test('a rotation ends the former secret at once, or after its overlap', async (t) => {
  const user = await app.user();
  const { id, key: first } = await createKey(user.client);
  const rotate = async (overlap?: string) =>
    (await user.client.send(ROTATE_KEY, { id, overlap })).data!['rotateApiKey'];
  const second = await rotate();
  t.equal(second.apiKey.overlapEndsAt, null);
  t.same([await ask(first), await ask(second.key)], ['INVALID_API_KEY', undefined]);
  const third = await rotate('1h');
  t.equal(third.apiKey.overlapEndsAt, new Date(app.clock.now() + 3_600_000).toISOString());
  app.clock.advance(3_599_999);
  t.same([await ask(second.key), await ask(third.key)], [undefined, undefined]);
  app.clock.advance(1);
  t.same([await ask(second.key), await ask(third.key)], ['INVALID_API_KEY', undefined]);
});

t.test('a rotation refuses a bad overlap and keys of others, and changes nothing', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const { id, key } = await createKey(user.client);
  for (const overlap of ['', '1', '-1s', '31d', '1e3s', 'PT1H'])
    t.equal((await user.client.send(ROTATE_KEY, { id, overlap })).code, 'VALIDATION_ERROR', overlap);
  t.equal((await other.client.send(ROTATE_KEY, { id })).code, 'NOT_FOUND');
  t.equal((await other.client.send(REVOKE_KEY, { id })).code, 'NOT_FOUND');
  t.equal((await user.client.send(ROTATE_KEY, { id: 'x' })).code, 'NOT_FOUND');
  t.equal(await ask(key), undefined);
});

t.test('a revoked key is refused, and is revoked once', async (t) => {
  const user = await app.user();
  const { id, key } = await createKey(user.client);
  t.equal((await user.client.send(REVOKE_KEY, { id })).data!['revokeApiKey'], true);
  t.equal(await ask(key), 'INVALID_API_KEY');
  t.equal((await user.client.send(REVOKE_KEY, { id })).code, 'NOT_FOUND');
  t.equal((await user.client.send(ROTATE_KEY, { id })).code, 'NOT_FOUND');
  t.same((await user.client.send(MY_KEYS)).data!['me'].apiKeys, []);
});

t.test('the key of a disabled account is ACCOUNT_DISABLED, and stays dead when it is enabled again', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const revoked = await createKey(user.client);
  await user.client.send(REVOKE_KEY, { id: revoked.id });
  app.clock.advance(1000);
  const fresh = await app.client().send(LOGIN, { input: { identifier: admin.username, password: admin.password } });
  const client = app.client({ token: fresh.data!['login'].accessToken });
  await client.send(`mutation { updateUser(id: "${user.id}", input: { disabled: true }) { id } }`);
  t.equal(await ask(key), 'ACCOUNT_DISABLED');
  t.equal(await ask(revoked.key), 'INVALID_API_KEY', 'a key that was revoked before tells nothing');
  await client.send(`mutation { updateUser(id: "${user.id}", input: { disabled: false }) { id } }`);
  t.equal(await ask(key), 'INVALID_API_KEY');
  t.match(await auditOf(app.db, user.id), [
    { type: 'account.enabled' },
    { type: 'account.disabled', actorId: admin.id },
    { type: 'api_key.revoked', actorId: admin.id, detail: 'all 1' },
  ]);
});

t.test('the key of a deleted account is USER_NOT_FOUND, and stays dead when it is restored', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  await user.client.send('mutation ($input: DeleteMeInput!) { deleteMe(input: $input) }', {
    input: { confirmation: 'DELETE_MY_ACCOUNT', password: PASSWORD },
  });
  t.equal(await ask(key), 'USER_NOT_FOUND');
  const { data } = await app.client().send(LOGIN, { input: { identifier: admin.username, password: admin.password } });
  await app.client({ token: data!['login'].accessToken }).send(`mutation { restoreUser(id: "${user.id}") { id } }`);
  t.equal(await ask(key), 'INVALID_API_KEY');
});

t.test('creation, rotation and revocation are audited with the key, and mailed', async (t) => {
  const user = await app.user();
  const { id, key } = await createKey(user.client);
  const rotated = await user.client.send(ROTATE_KEY, { id, overlap: '1m' });
  t.ok(rotated.data);
  await user.client.send(REVOKE_KEY, { id });
  const about = { userId: user.id, actorId: user.id, actorKind: 'user', apiKeyId: id };
  t.match(await auditOf(app.db, user.id), [
    { ...about, type: 'api_key.revoked' },
    { ...about, type: 'api_key.rotated', detail: 'overlap of 60 s' },
    { ...about, type: 'api_key.created' },
  ]);
  const mails = await app.mailTo(user.email);
  const subjects = mails.map(({ subject }) => subject);
  t.same(subjects.filter((subject) => /API key/.test(subject)).length, 2);
  t.notOk(JSON.stringify([mails, app.logs, await auditOf(app.db, user.id)]).includes(key.slice(30)));
});

t.test('an administrator lists and revokes the keys of an account, and its owner is notified', async (t) => {
  const user = await app.user();
  const { id, key } = await createKey(user.client);
  const { data: login } = await app.client().send(LOGIN, { input: { identifier: admin.username, password: PASSWORD } });
  const client = app.client({ token: login!['login'].accessToken });
  const list = async () => (await client.send(`{ userApiKeys(userId: "${user.id}") { id } }`)).data!['userApiKeys'];
  t.same(await list(), [{ id }]);
  t.equal((await client.send('{ userApiKeys(userId: "x") { id } }')).code, 'NOT_FOUND');
  const revoke = () => client.send(`mutation { revokeUserApiKey(id: "${id}") }`);
  t.equal((await user.client.send(`mutation { revokeUserApiKey(id: "${id}") }`)).code, 'INSUFFICIENT_PERMISSIONS');
  t.equal(await ask(key), undefined);
  t.equal((await revoke()).data!['revokeUserApiKey'], true);
  t.equal(await ask(key), 'INVALID_API_KEY');
  t.equal((await revoke()).code, 'NOT_FOUND');
  t.same(await list(), []);
  t.match(await auditOf(app.db, user.id), [{ type: 'api_key.revoked', actorId: admin.id, apiKeyId: id }]);
  t.ok((await app.mailTo(user.email)).some(({ subject }) => subject.startsWith('An administrator revoked an API key')));
});

t.test('records the last use within five minutes, without a write per request', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const lastUsed = async () => (await rowsOf(user.id))[0]!.lastUsedAt?.getTime() ?? null;
  const used = app.clock.now();
  await ask(key);
  t.equal(await lastUsed(), null);
  await app.runJob('record session use');
  t.equal(await lastUsed(), used);
  app.clock.advance(299_999);
  await ask(key);
  await app.runJob('record session use');
  t.equal(await lastUsed(), used);
  app.clock.advance(1);
  await ask(key);
  await app.runJob('record session use');
  t.equal(await lastUsed(), used + 300_000);
});

t.test('keys that ended over 30 days ago are deleted', async (t) => {
  const user = await app.user();
  const { id } = await createKey(user.client);
  await createKey(user.client, { expiresAt: new Date(app.clock.now() + 1000).toISOString() });
  const kept = await createKey(user.client);
  await user.client.send(REVOKE_KEY, { id });
  app.clock.advance(31 * DAY_MS);
  await app.runJob('clean up API keys');
  t.same(
    (await rowsOf(user.id)).map((row) => row.id),
    [kept.id],
  );
});

t.test('passwords do not end keys: a change and a reset leave them', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  const { code } = await user.client.send(
    `mutation { changePassword(input: { currentPassword: "${PASSWORD}", newPassword: "another long password" }) { scope } }`,
  );
  t.equal(code, undefined);
  t.equal(await ask(key), undefined);
});

t.test('logs name the subject and never the key', async (t) => {
  const user = await app.user();
  const { key } = await createKey(user.client);
  await ask(key);
  const line = app.logs.findLast(({ msg }) => msg === 'request');
  t.equal(line?.['userId'], user.id);
  app.server.log.info({ headers: { 'X-API-Key': key }, 'x-api-key': key }, `used ${key}`);
  t.notOk(JSON.stringify(app.logs).includes(key.slice(30)));
});

t.test('CORS allows the header of keys', async (t) => {
  const origin = 'https://app.example.com';
  const other = await startTestApp(t, { CORS_ORIGINS: origin }, app.db);
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' };
  const { headers: answered } = await other.server.inject({ method: 'OPTIONS', url: '/graphql', headers });
  t.match(answered['access-control-allow-headers'], 'x-api-key');
});
