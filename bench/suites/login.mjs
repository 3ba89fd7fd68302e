// Login against raw argon2 and against Better Auth's sign-in, and `me` while logins saturate the server.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { answerOf, forkChild } from '../lib/child.mjs';
import { assertMe, graphql, meRequests, PASSWORD, registerAccounts, ROOT, startLatchkey } from '../lib/latchkey.mjs';
import { measure } from '../lib/load.mjs';
import { against, interleave } from '../lib/rounds.mjs';
import { signInRequests, startBetterAuth } from './better-auth.mjs';

/** Enough connections to keep all hashing threads busy. With more, servers that hash all requests at once would have longer latencies. */
export const CONNECTIONS = 2 * availableParallelism();
/** Connections of the logins that saturate the server. */
const STORM_CONNECTIONS = 32;
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken user { username } } }';
/** Latchkey's defaults. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const ME_PER_SECOND = 200;

async function startWithAccounts(context, count) {
  const databaseUrl = await context.postgres.create('login');
  const server = await startLatchkey({ name: 'login', workDir: context.workDir, databaseUrl });
  const accounts = await registerAccounts(server.url, count);
  await assertMe(server, accounts[0]);
  const wrong = await graphql(server.url, LOGIN, {
    variables: { input: { identifier: 'member0', password: 'wrong' } },
  });
  if (wrong.errors?.[0].extensions.code !== 'INVALID_CREDENTIALS') throw new Error('A wrong password was let in');
  return { server, databaseUrl, accounts };
}

/** A login for each account. */
export function loginRequests(accounts) {
  return accounts.map(({ user }) => ({
    expect: ['"accessToken":"', '"refreshToken":"', `"username":"${user.username}"`],
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: LOGIN, variables: { input: { identifier: user.username, password: PASSWORD } } }),
  }));
}

/** Argon2 alone, in a process with as many threads as Latchkey has. */
export async function startArgon2({ directory = ROOT } = {}) {
  // The number of concurrent hashes of the server.
  const concurrency = Math.max(1, availableParallelism() - 1);
  const options = JSON.stringify({ ...PARAMETERS, concurrency });
  const child = forkChild(join(directory, 'bench/servers/argon2.mjs'), [options], {
    env: { PATH: process.env.PATH, UV_THREADPOOL_SIZE: String(concurrency + 1) },
  });
  await answerOf(child);
  return async (seconds) => {
    child.send(seconds);
    return answerOf(child);
  };
}

/** Measures logins. */
export async function measureLogin(context, { rounds, seconds, peers, accounts: count = 32 }) {
  const { server, databaseUrl, accounts } = await startWithAccounts(context, count);
  const argon2 = await startArgon2();
  const load = (name, { url, pid }, requests, database, during) =>
    measure({
      name,
      url,
      requests,
      connections: CONNECTIONS,
      seconds: during,
      watch: async () => ({ server: [pid], ...(await context.postgres.backends(database)) }),
    });
  const variants = [
    { name: 'raw argon2', run: () => argon2(seconds) },
    {
      name: 'Latchkey login',
      run: (during = seconds) => load('login', server, loginRequests(accounts), databaseUrl, during),
    },
  ];
  if (peers) {
    const betterAuth = await startBetterAuth(context, 'Better Auth', false, count);
    const requests = signInRequests(betterAuth.server, count);
    variants.push({
      name: 'Better Auth sign-in',
      run: (during = seconds) => load('sign-in', betterAuth.server, requests, betterAuth.databaseUrl, during),
    });
  }
  const [{ run: hashes }, ...servers] = variants;
  await hashes();
  for (const { name, run } of servers) await context.warm(name, run);
  const measured = await interleave(variants, rounds, context.progress);
  const [raw, login, peer] = measured;
  const storm = await measureStorm(context, { rounds, seconds, server, accounts });
  return {
    rows: measured.map((variant) => ({ ...variant, ratio: against(variant, raw) })),
    overRaw: against(login, raw),
    overPeer: peer && against(login, peer),
    storm,
  };
}

/** `me` at a constant rate, alone and while logins saturate the server. */
async function measureStorm(context, { rounds, seconds, server, accounts }) {
  const requests = meRequests(accounts);
  const me = (during = seconds, rate = ME_PER_SECOND) =>
    measure({
      name: 'me',
      url: server.url,
      requests,
      connections: 16,
      rate,
      seconds: during,
      watch: { server: [server.pid] },
    });
  const variants = [
    { name: `me at ${ME_PER_SECOND}/s, idle server`, run: me },
    {
      name: `me at ${ME_PER_SECOND}/s, logins at full speed`,
      async run() {
        const logins = measure({
          name: 'login',
          url: server.url,
          requests: loginRequests(accounts),
          connections: STORM_CONNECTIONS,
          // The logins start before the measurement and end after it.
          seconds: seconds + 1.5,
          watch: {},
        });
        await new Promise((resolve) => setTimeout(resolve, 500));
        const [measured] = await Promise.all([me(), logins]);
        return measured;
      },
    },
  ];
  // Without a rate, because at the constant rate a window has less CPU time than Linux counts.
  await context.warm('me, beside logins', (during) => me(during, 0));
  const [idle, busy] = await interleave(variants, rounds, context.progress);
  return { idle, busy, ratio: against(busy, idle, (run) => run.p99) };
}
