/** Service accounts: their administration, their keys, what they may do, and the audit trail that names them. */
import { desc, eq } from 'drizzle-orm';
import t from 'tap';
import { apiKeys, auditEvents, serviceAccounts } from '../../src/db/schema/index.js';
import { sendWithKey } from '../helpers/api-keys.js';
import { auditOf } from '../helpers/audit-trail.js';
import type { AnyData } from '../helpers/client.js';
import { startLiveApp } from '../helpers/live.js';
import { seedClient } from '../helpers/oauth.js';
import { postForm, withSecret } from '../helpers/oauth-requests.js';
import { ME, registerAdmin } from '../helpers/seed.js';
import { openSocket, subscribeMessage } from '../helpers/websocket.js';

const app = await startLiveApp(t);
const admin = await registerAdmin(app);
const FIELDS = 'id name scopes createdAt updatedAt disabledAt apiKeys { id name scopes }';
const CREATE = `mutation ($input: CreateServiceAccountInput!) { createServiceAccount(input: $input) { ${FIELDS} } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateServiceAccountInput!) {
  updateServiceAccount(id: $id, input: $input) { ${FIELDS} } }`;
const CREATE_KEY = `mutation ($id: ID!, $input: CreateApiKeyInput!) {
  createServiceAccountKey(id: $id, input: $input) { key apiKey { id } } }`;

async function create(scopes: readonly string[] = ['read:content', 'admin']) {
  const { data } = await admin.client.send(CREATE, { input: { name: 'Importer', scopes } });
  return data!['createServiceAccount'] as AnyData;
}
async function createKey(id: string, scopes: readonly string[] = ['admin']): Promise<AnyData & { key: string }> {
  const { data } = await admin.client.send(CREATE_KEY, { id, input: { name: 'Key', scopes } });
  return data!['createServiceAccountKey'];
}
const update = (id: string, input: object) => admin.client.send(UPDATE, { id, input });
const ask = async (key: string, query = USERS) => (await sendWithKey(app.client(), key, query)).code;
const USERS = '{ users(first: 1) { edges { cursor } } }';
const auditAbout = (id: string) =>
  app.db.executor.select().from(auditEvents).where(eq(auditEvents.serviceAccountId, id)).orderBy(desc(auditEvents.id));

t.test('creates, changes and lists service accounts', async (t) => {
  const account = await create();
  t.match(account, { name: 'Importer', scopes: ['read:content', 'admin'], disabledAt: null, apiKeys: [] });
  const { data } = await update(account['id'], { name: 'Exporter', scopes: ['read:content'] });
  t.match(data!['updateServiceAccount'], { name: 'Exporter', scopes: ['read:content'] });
  const key = await createKey(account['id'], ['read:content']);
  const list = await admin.client.send(`{ serviceAccounts(search: "expo") { edges { node { ${FIELDS} } } } }`);
  t.match(list.data!['serviceAccounts'].edges, [
    { node: { id: account['id'], apiKeys: [{ id: key['apiKey'].id, scopes: ['read:content'] }] } },
  ]);
  t.match(await auditAbout(account['id']), [
    { type: 'api_key.created', actorId: admin.id, apiKeyId: key['apiKey'].id },
    { type: 'service_account.updated', detail: 'name scopes' },
    { type: 'service_account.created', actorId: admin.id, actorKind: 'user', userId: null },
  ]);
});

t.test('rejects bad input and changes nothing', async (t) => {
  const before = await app.db.executor.select().from(serviceAccounts).orderBy(serviceAccounts.id);
  const codeOf = async (document: string, variables: object) => (await admin.client.send(document, variables)).code;
  t.equal(await codeOf(CREATE, { input: { name: 'a\u200bb', scopes: [] } }), 'VALIDATION_ERROR');
  t.equal(await codeOf(CREATE, { input: { name: 'x', scopes: ['unknown'] } }), 'VALIDATION_ERROR');
  const { id } = before[0]!;
  for (const input of [{ name: null }, { scopes: null }, { disabled: null }, { name: '' }, { scopes: ['openid'] }])
    t.equal(await codeOf(UPDATE, { id, input }), 'VALIDATION_ERROR', JSON.stringify(input));
  t.equal(await codeOf(UPDATE, { id: 'x', input: {} }), 'NOT_FOUND');
  t.equal(await codeOf(UPDATE, { id: admin.id, input: { disabled: true } }), 'NOT_FOUND');
  t.equal(await codeOf(CREATE_KEY, { id, input: { name: 'x', scopes: ['admin'] } }), 'VALIDATION_ERROR');
  t.equal(await codeOf(CREATE_KEY, { id: admin.id, input: { name: 'x', scopes: ['admin'] } }), 'NOT_FOUND');
  t.same(await app.db.executor.select().from(serviceAccounts).orderBy(serviceAccounts.id), before);
});

t.test('has no profile: fields about the caller refuse it clearly', async (t) => {
  const { key } = await createKey((await create([...app.config.scopes.USER, 'read:profile', 'write:profile']))['id'], [
    'read:profile',
    'write:profile',
  ]);
  for (const query of [ME, 'mutation { updateMe(input: { displayName: "x" }) { id } }']) {
    const { errors } = await sendWithKey(app.client(), key, query);
    t.match(errors, [{ message: 'A service account has no user account.' }]);
    t.equal(errors[0]!.extensions.code, 'INSUFFICIENT_PERMISSIONS');
  }
});

t.test('is the actor of what it does as an administrator', async (t) => {
  const account = await create();
  const { key } = await createKey(account['id']);
  const user = await app.user();
  const change = `mutation { updateUser(id: "${user.id}", input: { isPremium: true }) { id } }`;
  t.equal(await ask(key, change), undefined);
  t.match(await auditOf(app.db, user.id), [
    { type: 'account.updated', actorId: account['id'], actorKind: 'service-account' },
  ]);
  const { data } = await admin.client.send(
    `{ auditEvents(first: 1, userId: "${user.id}") { edges { node { actorId actorKind } } } }`,
  );
  t.same(data!['auditEvents'].edges, [{ node: { actorId: account['id'], actorKind: 'SERVICE_ACCOUNT' } }]);
  t.equal(await ask(key, `mutation { deleteUser(id: "${user.id}") }`), undefined);
  t.match(await auditOf(app.db, user.id), [{ type: 'account.deleted', actorKind: 'service-account' }]);
});

t.test('loses scopes with the next request, and its keys never have more', async (t) => {
  const account = await create();
  const { key } = await createKey(account['id']);
  t.equal(await ask(key), undefined);
  await update(account['id'], { scopes: ['read:content'] });
  t.equal(await ask(key), 'INSUFFICIENT_PERMISSIONS');
});

t.test('a disabled service account is refused, and accepted again when it is enabled', async (t) => {
  const account = await create();
  const { key } = await createKey(account['id']);
  await update(account['id'], { disabled: true });
  t.equal(await ask(key), 'ACCOUNT_DISABLED');
  await update(account['id'], { disabled: true });
  await update(account['id'], { disabled: false });
  t.equal(await ask(key), undefined);
  t.match(await auditAbout(account['id']), [
    { type: 'service_account.enabled' },
    { type: 'service_account.disabled' },
    { type: 'api_key.created' },
  ]);
});

t.test('its deletion ends its keys', async (t) => {
  const account = await create();
  const { key } = await createKey(account['id']);
  const remove = `mutation { deleteServiceAccount(id: "${account['id']}") }`;
  t.equal((await admin.client.send(remove)).data!['deleteServiceAccount'], true);
  t.equal(await ask(key), 'INVALID_API_KEY');
  t.equal((await admin.client.send(remove)).code, 'NOT_FOUND');
  t.same(await app.db.executor.select().from(apiKeys).where(eq(apiKeys.serviceAccountId, account['id'])), []);
  t.match(await auditAbout(account['id']), [{ type: 'service_account.deleted', actorId: admin.id }]);
});

t.test('one key is revoked, the others stay; keys of people are not found', async (t) => {
  const account = await create();
  const [one, other] = [await createKey(account['id']), await createKey(account['id'])];
  const revoke = (id: string) => admin.client.send(`mutation { revokeServiceAccountKey(id: "${id}") }`);
  t.equal((await revoke(one['apiKey'].id)).data!['revokeServiceAccountKey'], true);
  t.same([await ask(one.key), await ask(other.key)], ['INVALID_API_KEY', undefined]);
  t.equal((await revoke(one['apiKey'].id)).code, 'NOT_FOUND');
  t.equal((await admin.client.send(`mutation { revokeUserApiKey(id: "${other['apiKey'].id}") }`)).code, 'NOT_FOUND');
  t.equal(await ask(other.key), undefined);
});

t.test('sockets of a service account close when it is disabled, loses a scope or is deleted', async (t) => {
  const changes: ((id: string) => Promise<unknown>)[] = [
    (id) => update(id, { disabled: true }),
    (id) => update(id, { scopes: ['read:content'] }),
    (id) => admin.client.send(`mutation { deleteServiceAccount(id: "${id}") }`),
  ];
  for (const change of changes) {
    const account = await create();
    const { key } = await createKey(account['id']);
    const socket = await openSocket(app.port);
    socket.send({ type: 'connection_init', payload: { 'x-api-key': key } });
    await socket.next();
    await app.untilSubscribed(() => socket.send(subscribeMessage('subscription { auditEvents { id } }')));
    await change(account['id']);
    t.equal((await socket.closed).code, 4401);
  }
});

t.test('logs name it as a service account, by a key and by an access token', async (t) => {
  const account = await create();
  const { id } = account;
  const { key } = await createKey(id);
  const seeded = await seedClient(app, { grantTypes: ['CLIENT_CREDENTIALS'], serviceAccountId: id });
  const { body } = await postForm(app, '/oauth/token', { grant_type: 'client_credentials', ...withSecret(seeded) });
  const lineOf = (message: string) => app.logs.findLast(({ msg }) => msg === message);
  for (const send of [
    () => ask(key),
    () => app.client().send(USERS, {}, { token: body['access_token'] }),
    // Refused: the signature alone names the subject.
    () => update(id, { disabled: true }).then(() => app.client().send(USERS, {}, { token: body['access_token'] })),
  ]) {
    await send();
    t.match(lineOf('request'), { serviceAccountId: id, userId: undefined });
  }
});

t.test('the log names the service account of a socket', async (t) => {
  const { id } = await create();
  const socket = await openSocket(app.port);
  socket.send({ type: 'connection_init', payload: { 'x-api-key': (await createKey(id)).key } });
  await socket.next();
  await update(id, { disabled: true });
  await socket.closed;
  const logged = () => app.logs.find((line) => line['msg'] === 'A WebSocket closed' && line['serviceAccountId'] === id);
  while (!logged()) await new Promise((resolve) => setImmediate(resolve));
  t.notOk('userId' in logged()!);
});
