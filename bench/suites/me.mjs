// `me` against the floor and against peers: requests a second, CPU time of a request, latency.
import { join } from 'node:path';
import {
  assertMe,
  environment,
  meRequests,
  ownEmail,
  registerAccounts,
  ROOT,
  START_FLAGS,
  startLatchkey,
} from '../lib/latchkey.mjs';
import { measure } from '../lib/load.mjs';
import { residentMb, startServer } from '../lib/process.mjs';
import { against, interleave } from '../lib/rounds.mjs';
import { assertSession, emailOf, startBetterAuth } from './better-auth.mjs';

const HS256 = { JWT_ALGORITHM: 'HS256', JWT_SECRET_KEY: 'only for benchmarks: a shared secret of enough bytes' };

/** A variant: Latchkey with one signature algorithm, and its accounts. */
async function latchkeyVariant(context, name, env, embedded = false) {
  const label = name.replace(/\W+/g, '_').toLowerCase();
  const databaseUrl = embedded ? undefined : await context.postgres.create(label);
  const server = await startLatchkey({ name, workDir: context.workDir, databaseUrl, env });
  const accounts = await registerAccounts(server.url, context.accounts);
  await assertMe(server, accounts[0]);
  return { name, server, databaseUrl, accounts, requests: meRequests(accounts) };
}

/** Another server on the same database with the same tokens. */
async function peerVariant(context, name, script, { server, databaseUrl, accounts, requests }, env = {}, flags = []) {
  const peer = await startServer({
    name,
    args: [...flags, join(ROOT, 'bench/servers', script)],
    workDir: context.workDir,
    env: () => environment(server.url, databaseUrl, env),
    answers: async (url) => {
      await assertMe({ name, url }, accounts[0]);
      return true;
    },
  });
  return { name, server: peer, databaseUrl, requests };
}

/**
 * Each run has a new process: postgres.js moves a connection from list to list by a search in an array that only grows
 * while it is in use, so that after half a million requests this pool takes twice the time for each.
 */
async function floorVariant(context, { databaseUrl, accounts }) {
  const expected = JSON.stringify(accounts[0].user);
  const start = () =>
    startServer({
      name: 'floor',
      args: [join(ROOT, 'bench/servers/floor.mjs')],
      workDir: context.workDir,
      env: (url) => environment(url, databaseUrl),
      answers: async (url) => (await (await fetch(`${url}/users/${accounts[0].user.id}`)).text()) === expected,
    });
  const requests = accounts.map(({ user }) => ({ expect: ownEmail(user), method: 'GET', path: `/users/${user.id}` }));
  const variant = { name: 'the floor', server: await start(), databaseUrl, requests };
  variant.renew = async () => {
    await variant.server.stop();
    variant.server = await start();
  };
  return variant;
}

async function betterAuthVariant(context, cookieCache) {
  const name = `Better Auth get-session${cookieCache ? ', cookie cache' : ''}`;
  const started = await startBetterAuth(context, name, cookieCache, context.accounts);
  await assertSession(started.server, started.cookies[0]);
  const requests = started.cookies.map((cookie, member) => ({
    expect: ownEmail({ email: emailOf(member) }),
    method: 'GET',
    path: '/api/auth/get-session',
    headers: { cookie },
  }));
  return { ...started, name, requests };
}

/** An unmeasured run ahead of each measured one. */
const WAKE_SECONDS = 0.5;

/** Measures `me`. @param peers whether to measure other products as well */
export async function measureMe(suite, { rounds, seconds, peers, accounts = 64 }) {
  const context = { ...suite, accounts };
  const eddsa = await latchkeyVariant(context, 'Latchkey, EdDSA', {});
  const servers = [
    await floorVariant(context, eddsa),
    eddsa,
    await latchkeyVariant(context, 'Latchkey, ES256', { JWT_ALGORITHM: 'ES256' }),
    await latchkeyVariant(context, 'Latchkey, HS256', HS256),
    await latchkeyVariant(context, 'Latchkey, EdDSA, embedded', {}, true),
  ];
  if (peers) {
    servers.push(await peerVariant(context, 'Apollo Server, bare', 'apollo.mjs', eddsa));
    servers.push(
      await peerVariant(context, 'Apollo Server, same stack', 'apollo.mjs', eddsa, { STACK: 'on' }, START_FLAGS),
    );
    servers.push(await peerVariant(context, 'GraphQL Yoga, bare', 'yoga.mjs', eddsa));
    servers.push(await betterAuthVariant(context, false), await betterAuthVariant(context, true));
  }
  const variants = servers.map((variant) => {
    const { name, databaseUrl, requests, renew } = variant;
    const once = (during) => {
      const watch = async () => ({
        server: [variant.server.pid],
        ...(databaseUrl ? await context.postgres.backends(databaseUrl) : {}),
      });
      return measure({ name, url: variant.server.url, requests, watch, seconds: during });
    };
    const run = async () => {
      if (renew) {
        await renew();
        await context.warm(name, once);
      } else {
        // The server was idle while the others ran.
        await once(WAKE_SECONDS);
      }
      return once(seconds);
    };
    return { name, variant, once, run };
  });
  for (const { name, variant, once } of variants) if (!variant.renew) await context.warm(name, once);
  const measured = await interleave(variants, rounds, context.progress);
  const [floor, latchkey] = measured;
  return {
    rows: measured.map((variant) => ({
      ...summary(variant),
      ratio: against(variant, floor),
      memoryMb: residentMb(variant.variant.server.pid),
    })),
    overPeers: measured
      .filter(({ name }) => !/floor|Latchkey/.test(name))
      .map((peer) => ({ name: peer.name, ratio: against(latchkey, peer) })),
  };
}

function summary({ name, perSecond, p50, p99, serverCpu, databaseCpu, loadCpu }) {
  return { name, perSecond, p50, p99, serverCpu, databaseCpu, loadCpu };
}
