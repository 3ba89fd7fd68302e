// Subscriptions: the memory of an idle socket, and the delivery of events to many sockets.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { answerOf, forkChild } from '../lib/child.mjs';
import { assertMe, registerAccounts, ROOT, startLatchkey } from '../lib/latchkey.mjs';
import { cpuOf, residentMb } from '../lib/process.mjs';

const ACCOUNTS = 64;
/** The number of sockets of the account that changes. */
const AUDIENCE = 50;
const SETTLE_MS = 2000;

function startSockets() {
  const child = forkChild(join(ROOT, 'bench/load/sockets.mjs'));
  return async (work, options) => {
    child.send({ work, ...options });
    const { result, error } = await answerOf(child);
    if (error) throw new Error(error);
    return result;
  };
}

/** @throws Error unless every socket and every subscription is open, on both sides */
async function assertOpen(work, url, count) {
  const { open } = await work('count', {});
  const [, told] = /^latchkey_subscriptions_open (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text()) ?? [];
  if (open !== count || Number(told) !== count) {
    throw new Error(`Of ${count} sockets ${open} are open, with ${told} subscriptions by the server's count`);
  }
}

/**
 * Measures.
 * @param count idle sockets, each with a subscription
 * @param perSecond events delivered a second, to 50 sockets of one account
 */
export async function measureSockets(context, { count, perSecond, seconds }) {
  const start = async (name) => {
    const databaseUrl = await context.postgres.create(name);
    const server = await startLatchkey({ name, workDir: context.workDir, databaseUrl });
    const accounts = await registerAccounts(server.url, ACCOUNTS);
    await assertMe(server, accounts[0]);
    await delay(SETTLE_MS);
    return { server, tokens: accounts.map(({ accessToken }) => accessToken) };
  };

  const idle = await start('sockets');
  const before = residentMb(idle.server.pid);
  const hold = startSockets();
  await hold('open', { url: idle.server.url, tokens: idle.tokens, count });
  await delay(SETTLE_MS);
  await assertOpen(hold, idle.server.url, count);
  const moreMb = residentMb(idle.server.pid) - before;
  context.progress(`  ${count} sockets: ${Math.round(moreMb)} MB`);

  const { server, tokens } = await start('fan_out');
  const work = startSockets();
  const [token] = tokens;
  await work('open', { url: server.url, tokens: [token], count: AUDIENCE });
  await delay(SETTLE_MS);
  await assertOpen(work, server.url, AUDIENCE);
  const cpu = cpuOf([server.pid]);
  const rate = perSecond / AUDIENCE;
  const changes = Math.round(rate * seconds);
  const heard = await work('fan-out', { url: server.url, token, changes, perSecond: rate });
  if (heard.delivered !== heard.expected) {
    throw new Error(`${heard.expected} events were to arrive, ${heard.delivered} did`);
  }
  context.progress(`  ${Math.round(heard.perSecond)} events/s: p99 ${heard.p99.toFixed(1)} ms`);
  return {
    count,
    moreMb,
    eachKb: (moreMb * 1024) / count,
    ...heard,
    cpuPerEvent: (cpuOf([server.pid]) - cpu) / heard.delivered,
  };
}
