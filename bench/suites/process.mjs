// Start-up to the first answer, and memory: idle, and after many requests.
import { setTimeout as delay } from 'node:timers/promises';
import { assertMe, meRequests, registerAccounts, startLatchkey } from '../lib/latchkey.mjs';
import { measure } from '../lib/load.mjs';
import { residentMb } from '../lib/process.mjs';
import { migrate } from '../lib/seed.mjs';
import { median } from '../lib/stats.mjs';

const STARTS = 5;
/** Time for a new process to become idle. */
const SETTLE_MS = 2000;

/** Measures starts on a database with tables and on an empty one; milliseconds from spawn to the first right answer. */
export async function measureStartup(context, { starts = STARTS } = {}) {
  const databaseUrl = await context.postgres.create('startup');
  await migrate(databaseUrl);
  const times = { migrated: [], empty: [], embedded: [] };
  const start = async (name, url) => {
    const server = await startLatchkey({ name, workDir: context.workDir, databaseUrl: url });
    await server.stop();
    return server.firstAnswerMs;
  };
  await start('startup', databaseUrl);
  for (let round = 0; round < starts; round += 1) {
    times.migrated.push(await start('startup', databaseUrl));
    times.empty.push(await start('startup', await context.postgres.create(`startup_${round}`)));
    times.embedded.push(await start('startup embedded'));
    context.progress(`  ${round + 1}/${starts} start-up: ${Math.round(times.migrated.at(-1))} ms`);
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [`${name}Ms`, median(all)]));
}

/** Measures resident memory in MB: idle, and after so many requests. */
export async function measureMemory(context, { requests: count, accounts: members = 64 }) {
  const databaseUrl = await context.postgres.create('memory');
  const server = await startLatchkey({ name: 'memory', workDir: context.workDir, databaseUrl });
  await delay(SETTLE_MS);
  const idleMb = residentMb(server.pid);
  const accounts = await registerAccounts(server.url, members);
  await assertMe(server, accounts[0]);
  const requests = meRequests(accounts);
  const seen = [];
  let sent = 0;
  while (sent < count) {
    const seconds = count > 100_000 ? 10 : 1;
    const { requests: made } = await measure({
      name: 'me',
      url: server.url,
      requests,
      seconds,
    });
    sent += made;
    seen.push(residentMb(server.pid));
    context.progress(`  ${sent} requests: ${Math.round(seen.at(-1))} MB`);
  }
  await delay(SETTLE_MS);
  return { idleMb, requests: sent, afterMb: residentMb(server.pid), highestMb: Math.max(...seen) };
}
