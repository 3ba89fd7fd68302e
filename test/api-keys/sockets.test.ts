/** WebSockets that authenticate by an API key close when the key, its owner or its scopes end, on every instance. */
import t from 'tap';
import { createKey, REVOKE_KEY, ROTATE_KEY } from '../helpers/api-keys.js';
import { startLiveApp } from '../helpers/live.js';
import { registerAdmin, UPDATE_ME } from '../helpers/seed.js';
import { openSocket, subscribeMessage, type Message } from '../helpers/websocket.js';

const first = await startLiveApp(t);
const second = await startLiveApp(t, {}, first.db, first.clock);
const admin = await registerAdmin(first);

/** A socket on the other instance than the one that changes things. */
async function connect(payload: Message) {
  const socket = await openSocket(second.port);
  socket.send({ type: 'connection_init', payload });
  const answer = await socket.next().catch(() => undefined);
  return { socket, acknowledged: answer?.['type'] === 'connection_ack' };
}

async function follow(key: string, query = 'subscription { meUpdated { displayName } }') {
  const { socket, acknowledged } = await connect({ 'X-API-Key': key });
  if (!acknowledged) throw new Error(`closed with ${(await socket.closed).code}`);
  await second.untilSubscribed(() => socket.send(subscribeMessage(query)));
  return socket;
}

t.test('receives events with a key, in either form', async (t) => {
  const user = await first.user();
  const { key } = await createKey(user.client);
  const socket = await follow(key);
  const bearer = await connect({ headers: { Authorization: `Bearer ${key}` } });
  t.ok(bearer.acknowledged);
  bearer.socket.ws.terminate();
  await user.client.send(UPDATE_ME, { input: { displayName: 'New' } });
  t.match(await socket.next(), { type: 'next', payload: { data: { meUpdated: { displayName: 'New' } } } });
  socket.ws.terminate();
});

t.test('closes with 4401 when the key is revoked on another instance', async (t) => {
  const user = await first.user();
  const { key, id } = await createKey(user.client);
  const other = await follow((await createKey(user.client)).key);
  const socket = await follow(key);
  await user.client.send(REVOKE_KEY, { id });
  t.equal((await socket.closed).code, 4401);
  t.equal(other.ws.readyState, other.ws.OPEN, 'another key of the account stays open');
  other.ws.terminate();
});

t.test('closes with 4401 when the secret is rotated without an overlap', async (t) => {
  const user = await first.user();
  const { key, id } = await createKey(user.client);
  const socket = await follow(key);
  await user.client.send(ROTATE_KEY, { id });
  t.equal((await socket.closed).code, 4401);
});

t.test('closes with 4401 when the owner is disabled, demoted or deleted', async (t) => {
  const changes = {
    disabled: (id: string) => `mutation { updateUser(id: "${id}", input: { disabled: true }) { id } }`,
    demoted: (id: string) => `mutation { updateUser(id: "${id}", input: { role: USER }) { id } }`,
    deleted: (id: string) => `mutation { deleteUser(id: "${id}") }`,
  };
  for (const [what, change] of Object.entries(changes)) {
    const user = await registerAdmin(first);
    const { key } = await createKey(user.client, { scopes: ['admin'] });
    const socket = await follow(key, 'subscription { auditEvents { id } }');
    await admin.client.send(change(user.id));
    t.equal((await socket.closed).code, 4401, what);
  }
});

t.test('closes with 4401 when the key expires', async (t) => {
  const user = await first.user();
  const expiresAt = new Date(first.clock.now() + 60_000).toISOString();
  const socket = await follow((await createKey(user.client, { expiresAt })).key);
  for (const { clock } of [first, second]) clock.advance(60_000);
  t.equal((await socket.closed).code, 4401);
});

t.test('refuses a bad key, a key from another network, and two credentials with 4401', async (t) => {
  const user = await first.user();
  const { key } = await createKey(user.client);
  const far = await createKey(user.client, { networks: ['203.0.113.0/24'] });
  const near = await createKey(user.client, { networks: ['127.0.0.0/8', '::1'] });
  for (const payload of [
    { 'x-api-key': `${key}x` },
    { 'x-api-key': far.key },
    { 'x-api-key': key, authorization: `Bearer ${user.accessToken}` },
  ]) {
    const { socket, acknowledged } = await connect(payload);
    t.notOk(acknowledged);
    t.equal((await socket.closed).code, 4401);
  }
  const { socket, acknowledged } = await connect({ 'x-api-key': near.key });
  t.ok(acknowledged);
  socket.ws.terminate();
});
