// The same measurements with few and with many accounts, and during the removal of expired sessions.
import { join } from 'node:path';
import postgres from 'postgres';
import { onEnd } from '../lib/ends.mjs';
import { answerOf, forkChild } from '../lib/child.mjs';
import { environment, graphql, meRequests, ROOT, startLatchkey } from '../lib/latchkey.mjs';
import { measure } from '../lib/load.mjs';
import { against, interleave } from '../lib/rounds.mjs';
import { migrate, seed } from '../lib/seed.mjs';
import { median } from '../lib/stats.mjs';
import { tokensOf } from '../lib/tokens.mjs';
import { loginRequests } from './login.mjs';
import { refreshRequests } from './refresh.mjs';

/** The number of sessions in the requests, picked at random. */
const PICKED = 5000;
const ME_PER_SECOND = 500;
/** Sessions that expire before each run, for each second of the run: more than the job removes in that time. */
const RUN_OUT_PER_SECOND = 40_000;
/** The additional time of a run, in which its process starts and warms up. */
const BESIDE_S = 2;

/** A seeded database with a server on it. */
async function startAt(context, size) {
  const { users, sessions } = size;
  const databaseUrl = await context.postgres.create(`scale_${users}`);
  const sql = postgres(databaseUrl, { max: 1, transform: postgres.camel, onnotice: () => undefined });
  onEnd(() => sql.end({ timeout: 1 }));
  await migrate(databaseUrl);
  const startedAt = performance.now();
  await seed(sql, size);
  const seededS = (performance.now() - startedAt) / 1000;
  const name = `${users.toLocaleString('en')} accounts`;
  const server = await startLatchkey({ name, workDir: context.workDir, databaseUrl });
  const picked = await sql`select id, user_id, generation, expires_at, email, username from (
      select s.*, u.email, u.username from sessions s join users u on u.id = s.user_id where expires_at > now() + interval '1 day'
    ) live order by md5(id::text) limit ${PICKED}`;
  const tokens = await tokensOf(server.url, databaseUrl, picked);
  const accounts = picked.map(({ userId, email, username }, index) => ({
    ...tokens[index],
    user: { id: userId, email, username },
  }));
  const [{ bytes }] = await sql`select pg_database_size(current_database())::float8 as bytes`;
  context.progress(`  ${name}, ${sessions.toLocaleString('en')} sessions: ${seededS.toFixed(0)} s to seed`);
  await assertOwn(server.url, accounts[0]);
  const watch = async () => ({ server: [server.pid], ...(await context.postgres.backends(databaseUrl)) });
  return { name, size, sql, databaseUrl, server, picked, accounts, seededS, megabytes: bytes / 2 ** 20, watch };
}

async function assertOwn(url, { user, accessToken }) {
  const { data } = await graphql(url, '{ me { username } }', { token: accessToken });
  if (data?.me.username !== user.username) throw new Error(`me answers ${JSON.stringify(data)}, not ${user.username}`);
}

/** The measurements at each size. */
function works({ seconds }) {
  const common = (place, name) => ({ name, url: place.server.url, seconds });
  const chains = new Map();
  return {
    async me(place) {
      const requests = meRequests(place.accounts);
      return measure({ ...common(place, 'me'), requests, next: 'rotate', watch: place.watch });
    },
    async refresh(place) {
      const requests = chains.get(place) ?? refreshRequests(place.accounts);
      const run = { ...common(place, 'refresh'), requests, next: 'refresh', watch: place.watch };
      const result = await measure(run);
      chains.set(place, result.last);
      return result;
    },
    async login(place) {
      const requests = loginRequests(place.accounts.slice(0, 500));
      const run = { ...common(place, 'login'), requests, next: 'rotate', connections: 8 };
      return measure({ ...run, watch: place.watch });
    },
  };
}

/** Measures. @param small, large `{ users, sessions }` */
export async function measureScale(context, { rounds, seconds, small, large }) {
  const places = [await startAt(context, small), await startAt(context, large)];
  const rows = [];
  for (const [name, run] of Object.entries(works({ seconds }))) {
    const variants = places.map((place) => ({ name: `${name}, ${place.name}`, run: () => run(place) }));
    for (const variant of variants) await variant.run();
    const [few, many] = await interleave(variants, rounds, context.progress);
    // Ratios of the time of a request: more is worse.
    rows.push({ name, few, many, ratio: against(few, many) });
  }
  const [, many] = places;
  return { places: places.map(summary), rows, clearing: await measureClearing(context, many, { rounds, seconds }) };
}

function summary({ size, seededS, megabytes }) {
  return { ...size, seededS, megabytes };
}

/** `me` at a constant rate, alone and while another instance removes expired sessions. */
async function measureClearing(context, place, { rounds, seconds }) {
  const requests = meRequests(place.accounts);
  const load = { name: 'me', url: place.server.url, requests, next: 'rotate', rate: ME_PER_SECOND, watch: {} };
  const me = () => measure({ ...load, connections: 32, seconds });
  const cleared = [];
  const variants = [
    { name: `me at ${ME_PER_SECOND}/s`, run: me },
    {
      name: `me at ${ME_PER_SECOND}/s, sessions being cleared`,
      async run() {
        await runOut(place, Math.ceil((seconds + BESIDE_S) * RUN_OUT_PER_SECOND));
        const stop = await beginClearing(place);
        const measured = await me();
        cleared.push(await stop());
        return measured;
      },
    },
  ];
  const [alone, beside] = await interleave(variants, rounds, context.progress);
  return { alone, beside, perSecond: median(cleared), ratio: against(beside, alone, (run) => run.p99) };
}

/** Makes this many sessions expire two days ago, but none of those in the requests. */
async function runOut({ sql, picked }, wanted) {
  const asked = picked.map(({ id }) => id);
  // Sessions that the last run did not remove count.
  const [{ over, live }] = await sql`select count(*) filter (where expires_at < now() - interval '1 day')::int as over,
    count(*) filter (where expires_at > now())::int as live from sessions`;
  const percent = Math.min(100, (120 * (wanted - over)) / live);
  if (percent > 0) {
    await sql`update sessions set expires_at = now() - interval '2 days' where id in (
      select id from sessions tablesample system (${percent}) where expires_at > now()
        and id <> all(${asked}::uuid[]) limit ${wanted - over})`;
  }
  await sql`checkpoint`;
}

/**
 * Starts the job of Latchkey in a separate process, as in another instance.
 * @returns a function that stops it and returns how many sessions it removed in a second. @throws Error if it ended before
 */
async function beginClearing({ server, databaseUrl }) {
  const child = forkChild(join(ROOT, 'bench/servers/clear.mjs'), [], {
    env: { ...environment(server.url, databaseUrl) },
  });
  await answerOf(child);
  const result = answerOf(child);
  // The rejection is reported below; until then no code awaits the promise.
  result.catch(() => undefined);
  let ended = false;
  child.once('message', () => (ended = true));
  return async () => {
    if (ended) throw new Error('Clearing ended before what was measured beside it: too few sessions had run out');
    child.send('stop');
    const { rows, ms } = await result;
    child.disconnect();
    return rows / (ms / 1000);
  };
}
