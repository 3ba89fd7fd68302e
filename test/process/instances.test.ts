/** Two instances on one database behind a load balancer; with and without Redis. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import postgres from 'postgres';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { onRedis, REDIS_URL } from '../helpers/events.js';
import { ask, probe, register, startInstance, startLoad, until } from '../helpers/instances.js';
import type { ServerProcess } from '../helpers/process.js';
import { LOGIN, LOGOUT, ME, PASSWORD, REFRESH } from '../helpers/seed.js';

const LIMITS = { RATE_LIMIT_LOGIN: '3/15m', RATE_LIMIT_ANONYMOUS: '40/1m' };
let addresses = 0;
/** An address that no other test uses. */
const someAddress = () => `198.51.100.${(addresses += 1)}`;

const KINDS: Record<string, () => Record<string, string>> = {};
if (onRealPostgres) KINDS['without Redis'] = () => ({});
if (onRealPostgres && onRedis)
  KINDS['with Redis'] = () => ({ REDIS_URL, REDIS_PREFIX: `latchkey-test:${randomUUID()}:` });

for (const [kind, redis] of Object.entries(KINDS)) {
  t.test(`two instances ${kind}`, async (t) => {
    const env = { ...LIMITS, ...redis(), DATABASE_URL: await createTestDatabase(t, { empty: true }) };
    const [one, other] = await Promise.all([startInstance(t, env), startInstance(t, env)]);
    t.same([await probe(one), await probe(other)], [200, 200], 'both migrated the empty database, at once');
    /** A client with its own address. */
    const caller = (token?: string) => ({ token, ip: someAddress() });
    const me = async (server: ServerProcess, token: string) => (await ask(server, ME, {}, caller(token))).code;
    const refresh = (server: ServerProcess, refreshToken: string) => ask(server, REFRESH, { refreshToken }, caller());

    t.test('returns one successor for concurrent refreshes on both instances', async (t) => {
      for (let round = 0; round < 10; round += 1) {
        const account = await register(one);
        const answers = await Promise.all(
          [one, other, one, other].map((server) => refresh(server, account.refreshToken)),
        );
        const tokens = answers.map(({ data }) => data?.['refresh'].refreshToken as string);
        t.equal(new Set(tokens).size, 1, JSON.stringify(answers.map(({ code }) => code)));
        for (const { data } of answers) t.equal(await me(other, data!['refresh'].accessToken), undefined);
        t.equal((await refresh(other, tokens[0]!)).code, undefined, 'the successor is valid');
      }
    });

    t.test('ends the session on both instances when a used refresh token is replayed on the other', async (t) => {
      const account = await register(one);
      const first = (await refresh(one, account.refreshToken)).data!['refresh'];
      const second = (await refresh(other, first.refreshToken)).data!['refresh'];
      t.equal((await refresh(other, account.refreshToken)).code, 'INVALID_REFRESH_TOKEN');
      t.equal((await refresh(one, second.refreshToken)).code, 'INVALID_REFRESH_TOKEN');
      t.same(
        [await me(one, second.accessToken), await me(other, second.accessToken)],
        ['INVALID_TOKEN', 'INVALID_TOKEN'],
      );
    });

    t.test('ends a session on both instances from the next request', async (t) => {
      const ends: Record<string, string> = {
        logout: LOGOUT,
        'a password change': `mutation { changePassword(input: { currentPassword: "${PASSWORD}", newPassword: "a quiet brass telescope" }) { tokenType } }`,
        deletion: `mutation { deleteMe(input: { confirmation: "DELETE_MY_ACCOUNT", password: "${PASSWORD}" }) }`,
        'revocation of the others': 'mutation { revokeOtherSessions }',
      };
      for (const [what, document] of Object.entries(ends)) {
        const { username, accessToken: by } = await register(one);
        const input = { identifier: username, password: PASSWORD };
        const session = (await ask(other, LOGIN, { input }, caller())).data!['login'];
        const ended = what === 'logout' ? session.accessToken : by;
        t.equal(await me(other, session.accessToken), undefined);
        t.equal((await ask(one, document, {}, caller(ended))).code, undefined, what);
        t.match(await me(other, session.accessToken), /^(INVALID_TOKEN|USER_NOT_FOUND)$/, what);
      }
    });

    t.test('counts failed passwords of both instances together', async (t) => {
      const { username } = await register(one);
      const ip = someAddress();
      const login = async (server: ServerProcess, password: string) =>
        (await ask(server, LOGIN, { input: { identifier: username, password } }, { ip })).code;
      const answers = [await login(one, 'wrong'), await login(other, 'wrong'), await login(one, 'wrong')];
      t.same(
        answers,
        Array.from({ length: 3 }, () => 'INVALID_CREDENTIALS'),
      );
      t.same(
        [await login(other, PASSWORD), await login(one, PASSWORD)],
        ['RATE_LIMIT_EXCEEDED', 'RATE_LIMIT_EXCEEDED'],
      );
    });

    t.test(`counts requests ${kind === 'with Redis' ? 'together' : 'separately'}`, async (t) => {
      const ip = someAddress();
      const count = async (server: ServerProcess) => {
        for (let requests = 0; ; requests += 1) {
          if ((await ask(server, ME, {}, { ip })).code === 'RATE_LIMIT_EXCEEDED') return requests;
        }
      };
      t.same([await count(one), await count(other)], kind === 'with Redis' ? [40, 0] : [40, 40]);
    });

    t.test('delivers events from one instance to the other', async (t) => {
      const connected = async (server: ServerProcess) =>
        (await (await fetch(`${server.url}/metrics`)).text()).includes('latchkey_events_connected 1');
      await until(() => connected(one));
      t.ok(await connected(other));
    });
  });
}

if (onRealPostgres) {
  t.test('replaces instances one after another without a failed request', async (t) => {
    const env = { DATABASE_URL: await createTestDatabase(t), SHUTDOWN_DELAY: '5s' };
    let servers: ServerProcess[] = await Promise.all([startInstance(t, env), startInstance(t, env)]);
    const [first] = servers as [ServerProcess];
    const accounts = await Promise.all(Array.from({ length: 4 }, () => register(first)));
    /** Selects instances by their probes only, like a load balancer. */
    let ready = servers;
    const watch = startLoad(t, 1, async () => {
      const all = servers;
      const statuses = await Promise.all(all.map((server) => probe(server)));
      ready = all.filter((_, index) => statuses[index] === 200);
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    let served = 0;
    const load = startLoad(t, 4, async (caller) => {
      const server = ready[served % ready.length]!;
      const { code, data } = await ask(server, ME, {}, { token: accounts[caller]!.accessToken });
      if (code !== undefined || data?.['me'].username !== accounts[caller]!.username)
        throw new Error(`failed: ${code}`);
      served += 1;
    });
    for (const old of servers) {
      const next = await startInstance(t, env);
      servers = [...servers, next];
      await until(async () => ready.includes(next));
      const before = served;
      t.equal(await old.end('SIGTERM'), 0);
      servers = servers.filter((server) => server !== old);
      t.ok(served > before, 'it went on meanwhile');
    }
    await t.resolves(load.stop());
    await watch.stop();
  });

  t.test('starts many instances on an empty database together, with one signing key', async (t) => {
    const url = await createTestDatabase(t, { empty: true });
    const servers = await Promise.all([1, 2, 3].map(() => startInstance(t, { DATABASE_URL: url })));
    const { accessToken } = await register(servers[0]!);
    for (const server of servers) t.equal((await ask(server, ME, {}, { token: accessToken })).code, undefined);
    const client = postgres(url, { max: 1 });
    t.teardown(() => client.end());
    const [row] = await client`select count(*)::int as keys from signing_keys`;
    t.equal(row!['keys'], 1);
  });
} else {
  t.test('allows one process per embedded database', async (t) => t.equal(onRealPostgres, false));
}
