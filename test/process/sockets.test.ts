/** WebSockets of two server processes: changes on one instance close sockets on the other; many sockets; shutdown. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { onRedis, REDIS_URL } from '../helpers/events.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { ask, probe, register, startInstance, until } from '../helpers/instances.js';
import type { ServerProcess } from '../helpers/process.js';
import { LOGIN, LOGOUT, ME, PASSWORD } from '../helpers/seed.js';
import { openSession, subscribeMessage, type TestSocket } from '../helpers/websocket.js';

const portOf = ({ url }: ServerProcess) => Number(new URL(url).port);
const metric = async ({ url }: ServerProcess, name: string) =>
  Number(new RegExp(`^latchkey_${name} (\\d+)$`, 'm').exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
const connected = (server: ServerProcess) => until(async () => (await metric(server, 'events_connected')) === 1);
/** Opens a socket with a subscription to its account, and waits until the subscription is active. */
async function follow(server: ServerProcess, token: string): Promise<TestSocket> {
  const before = await metric(server, 'subscriptions_open');
  const socket = await openSession(portOf(server), `Bearer ${token}`);
  socket.send(subscribeMessage('subscription { meUpdated { displayName } }'));
  await until(async () => (await metric(server, 'subscriptions_open')) > before);
  return socket;
}
const rename = 'mutation { updateMe(input: { displayName: "x" }) { id } }';
const changePassword = `mutation { changePassword(input: { currentPassword: "${PASSWORD}", newPassword: "a quiet brass telescope" }) { tokenType } }`;

const KINDS: Record<string, Record<string, string>> = {};
if (onRealPostgres) KINDS['without Redis'] = {};
if (onRealPostgres && onRedis) KINDS['with Redis'] = { REDIS_URL, REDIS_PREFIX: `latchkey-test:${randomUUID()}:` };

for (const [kind, redis] of Object.entries(KINDS)) {
  t.test(`${kind}: delivers and enforces changes of one instance on the other`, async (t) => {
    const env = { ...redis, DATABASE_URL: await createTestDatabase(t) };
    const [one, other] = await Promise.all([startInstance(t, env), startInstance(t, env)]);
    await Promise.all([connected(one), connected(other)]);
    for (const [what, end] of Object.entries({ logout: LOGOUT, 'a password change': changePassword })) {
      const { username, accessToken: token } = await register(one);
      const login = await ask(one, LOGIN, { input: { identifier: username, password: PASSWORD } });
      const socket = await follow(other, token);
      await ask(one, rename, {}, { token });
      t.match(await socket.next(), { type: 'next', payload: { data: { meUpdated: { displayName: 'x' } } } });
      const started = performance.now();
      const by = end === LOGOUT ? token : (login.data!['login'].accessToken as string);
      t.equal((await ask(one, end, {}, { token: by })).code, undefined);
      t.equal((await socket.closed).code, 4401, what);
      t.comment(`${Math.round(performance.now() - started)} ms from the request to the close`);
    }
  });
}

if (onRealPostgres) {
  t.test('closes sockets of sessions revoked while events were lost, once they arrive again', async (t) => {
    const DATABASE_URL = await createTestDatabase(t);
    const proxy = await faultProxy(t, DATABASE_URL, 5432);
    const one = await startInstance(t, { DATABASE_URL });
    const deaf = await startInstance(t, { DATABASE_URL: proxy.url, DATABASE_TIMEOUT: '1s' });
    await connected(deaf);
    const [revoked, spared] = [await register(one), await register(one)];
    const sockets = [await follow(deaf, revoked.accessToken), await follow(deaf, spared.accessToken)] as const;
    proxy.stall();
    await until(async () => (await metric(deaf, 'events_connected')) === 0);
    await ask(one, LOGOUT, {}, { token: revoked.accessToken });
    t.equal(sockets[0].ws.readyState, sockets[0].ws.OPEN, 'the instance has not received the event');
    await proxy.pass();
    t.equal((await sockets[0].closed).code, 4401);
    await connected(deaf);
    await ask(one, rename, {}, { token: spared.accessToken });
    t.match(await sockets[1].next(), { type: 'next' }, 'the others go on');
  });
}

t.test('serves requests beside thousands of idle sockets, and closes all of them at shutdown', async (t) => {
  const COUNT = 2_000;
  const server = await startInstance(t, {
    ...(onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {}),
    MAX_WEBSOCKETS_PER_ADDRESS: String(COUNT),
    MAX_WEBSOCKETS_PER_ACCOUNT: String(COUNT),
    RATE_LIMIT_ANONYMOUS: '1000000/1m',
  });
  const { accessToken: token } = await register(server);
  const before = Number(
    /process_resident_memory_bytes (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())![1],
  );
  const sockets: TestSocket[] = [];
  while (sockets.length < COUNT) {
    const opened = Array.from({ length: 100 }, () => openSession(portOf(server), `Bearer ${token}`));
    sockets.push(...(await Promise.all(opened)));
  }
  t.equal(await metric(server, 'sockets_open'), COUNT);
  const after = Number(
    /process_resident_memory_bytes (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())![1],
  );
  t.comment(`${Math.round((after - before) / COUNT / 1024)} KiB a socket`);
  t.equal((await ask(server, ME, {}, { token })).code, undefined);
  t.equal(await probe(server), 200);
  const codes = Promise.all(sockets.map(({ closed }) => closed.then(({ code }) => code)));
  t.equal(await server.end('SIGTERM'), 0);
  t.same([...new Set(await codes)], [1001]);
});
