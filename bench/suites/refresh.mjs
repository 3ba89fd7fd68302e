// Refresh against two floors. One is bare Fastify with the statement of one rotation through postgres.js. The other is
// pgbench, which runs the statement of one rotation over the same number of connections and does nothing else; Latchkey may rotate several sessions with one. Two instances as well: a process signs on one core, whereas pgbench
// and Postgres have all of them.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { onEnd } from '../lib/ends.mjs';
import { environment, graphql, POOL_SIZE, registerAccounts, ROOT, startLatchkey } from '../lib/latchkey.mjs';
import { measure } from '../lib/load.mjs';
import { startServer } from '../lib/process.mjs';
import { against, interleave } from '../lib/rounds.mjs';
import { migrate, seed } from '../lib/seed.mjs';
import { rotationScript } from '../lib/statement.mjs';

const REFRESH =
  'mutation ($refreshToken: String) { refresh(refreshToken: $refreshToken) { accessToken refreshToken user { id } } }';

/** A refresh of each account's session. */
export function refreshRequests(accounts) {
  return accounts.map(({ refreshToken, user }) => ({
    expect: ['"accessToken":"', '"refreshToken":"', `"user":{"id":"${user.id}"}`],
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: REFRESH, variables: { refreshToken } }),
  }));
}

/** Refreshes the newest session of each account, and keeps the tokens for the next run. */
function refreshScenario(server, accounts) {
  return rotatingScenario(server, refreshRequests(accounts));
}

function rotatingScenario({ url, pid }, first) {
  let requests = first;
  return async (seconds, backends) => {
    const result = await measure({
      name: 'refresh',
      url,
      requests,
      next: 'refresh',
      connections: requests.length,
      seconds,
      watch: async () => ({ server: [pid], ...(await backends()) }),
    });
    requests = result.last;
    return result;
  };
}

/** Measures. @throws Error without pgbench */
export async function measureRefresh(context, { rounds, seconds, accounts: count = 64 }) {
  const { binDir } = context.postgres;
  if (!binDir) throw new Error("There is no pgbench: it is in Debian's package postgresql.");
  const databaseUrl = await context.postgres.create('refresh');
  const server = await startLatchkey({ name: 'refresh', workDir: context.workDir, databaseUrl });
  const accounts = await registerAccounts(server.url, count);
  await assertRotation(server.url, await registerAccount(server.url));
  const backends = () => context.postgres.backends(databaseUrl);
  const refresh = refreshScenario(server, accounts);
  const env = { PUBLIC_URL: server.url };
  const second = await startLatchkey({ name: 'refresh, second', workDir: context.workDir, databaseUrl, env });
  const others = await registerAccounts(server.url, count, 'other');
  const halves = [server, second].map((instance, which) =>
    refreshScenario(
      instance,
      others.filter((_, position) => position % 2 === which),
    ),
  );
  const rotations = await startPgbench(context, binDir, count);
  const floor = await startFloor(context, count);
  const variants = [
    { name: 'pgbench, the statement of one rotation', run: () => rotations(seconds) },
    { name: 'the floor: bare Fastify, the same statement', run: (during = seconds) => floor(during) },
    { name: 'Latchkey refresh', run: (during = seconds) => refresh(during, backends) },
    {
      name: 'Latchkey refresh, two instances',
      run: async (during = seconds) => together(await Promise.all(halves.map((half) => half(during, backends)))),
    },
  ];
  for (const { name, run } of variants.slice(1)) await context.warm(name, run);
  const measured = await interleave(variants, rounds, context.progress);
  const [base, bare, latchkey] = measured;
  return {
    rows: measured.map((variant) => ({ ...variant, ratio: against(variant, base) })),
    ratio: against(latchkey, base),
    overFloor: against(latchkey, bare),
  };
}

/** Joins concurrent runs: the sum of their requests, and the latencies of the slower one. Both report the time of the database. */
function together(runs) {
  const sum = (of) => runs.reduce((total, run) => total + of(run), 0);
  const requests = sum((run) => run.requests);
  const mean = (name) => sum((run) => run.cpu[name] * run.requests) / requests;
  return {
    perSecond: sum((run) => run.perSecond),
    p50: Math.max(...runs.map(({ p50 }) => p50)),
    p99: Math.max(...runs.map(({ p99 }) => p99)),
    cpu: { server: mean('server'), database: mean('database') / runs.length, load: mean('load') },
  };
}

async function registerAccount(url) {
  const input = { email: 'checked@example.test', username: 'checked', password: 'a quiet brass telescope' };
  const { data } = await graphql(
    url,
    'mutation ($input: RegisterInput!) { register(input: $input) { refreshToken } }',
    {
      variables: { input },
    },
  );
  return data.register.refreshToken;
}

/** @throws Error unless a token brings a new one, the new one works, and a forged one does not */
async function assertRotation(url, first) {
  const rotate = async (refreshToken) => (await graphql(url, REFRESH, { variables: { refreshToken } })).data?.refresh;
  const second = (await rotate(first))?.refreshToken;
  const third = (await rotate(second))?.refreshToken;
  const forged = await rotate(`${third.slice(0, -4)}AAAA`);
  if (!third || new Set([first, second, third]).size !== 3 || forged) throw new Error('refresh answers wrongly');
}

/** Starts bare Fastify on a separate database with as many sessions. */
async function startFloor(context, count) {
  const databaseUrl = await context.postgres.create('refresh_floor');
  await migrate(databaseUrl);
  const sql = postgres(databaseUrl, { max: 1 });
  onEnd(() => sql.end({ timeout: 1 }));
  await seed(sql, { users: count, sessions: count });
  const rows = await sql`select id from sessions order by id`;
  const requests = rows.map(({ id }) => ({
    expect: `"refreshToken":"${id}.`,
    method: 'POST',
    path: '/refresh',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: REFRESH, variables: { refreshToken: `${id}.0` } }),
  }));
  const server = await startServer({
    name: 'refresh-floor',
    args: [join(ROOT, 'bench/servers/refresh-floor.mjs')],
    workDir: context.workDir,
    env: (url) => environment(url, databaseUrl),
    answers: async (url) => (await fetch(url)).status === 404,
  });
  const rotate = rotatingScenario(server, requests);
  return (seconds) => rotate(seconds, () => context.postgres.backends(databaseUrl));
}

/** Starts pgbench on a separate database with as many sessions, so that the two do not affect each other. */
async function startPgbench(context, binDir, count) {
  const script = join(context.workDir, 'rotation.sql');
  await rotationScript(script);
  const databaseUrl = await context.postgres.create('pgbench');
  await migrate(databaseUrl);
  const sql = postgres(databaseUrl, { max: 1 });
  onEnd(() => sql.end({ timeout: 1 }));
  await seed(sql, { users: count, sessions: count });
  const run = promisify(execFile);
  return async (seconds) => {
    await sql`update sessions set generation = 0`;
    const args = ['-n', '-M', 'prepared', '-c', String(POOL_SIZE), '-j', '2', '-T', String(Math.ceil(seconds))];
    const { stdout } = await run(join(binDir, 'pgbench'), [...args, '-D', 'generation=-1', '-f', script, databaseUrl]);
    const made = Number(/number of transactions actually processed: (\d+)/.exec(stdout)[1]);
    const [{ rotated }] = await sql`select sum(generation)::int as rotated from sessions`;
    if (rotated !== made) throw new Error(`pgbench says ${made} rotations, the table ${rotated}`);
    return { perSecond: Number(/tps = ([\d.]+)/.exec(stdout)[1]) };
  };
}
