// Measures Latchkey against the floor and against peers, and writes docs/benchmarks.md with a chart.
//   npm run bench                    everything, about a quarter of an hour
//   npm run bench -- --quick         a few minutes, with a wider spread
//   npm run bench -- --only me,login some suites, printed; written only with --out, because a part is not the report
//   npm run bench -- --out DIR       writes the report to DIR
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endAll, endOnSignals, onEnd, started } from './lib/ends.mjs';
import { goalsOf } from './lib/goals.mjs';
import { ROOT } from './lib/latchkey.mjs';
import { describeMachine } from './lib/machine.mjs';
import { openPostgres } from './lib/postgres.mjs';
import { tables, writeReport } from './lib/report.mjs';
import { createWarmUps } from './lib/warm-up.mjs';
import { measureHasher } from './suites/hasher.mjs';
import { CONNECTIONS as LOGIN_CONNECTIONS, measureLogin } from './suites/login.mjs';
import { measureMe } from './suites/me.mjs';
import { measureMemory, measureStartup } from './suites/process.mjs';
import { measureRefresh } from './suites/refresh.mjs';
import { measureSockets } from './suites/sockets.mjs';

const FULL = {
  warmUp: { seconds: 0.5, bound: 40 },
  me: { rounds: 9, seconds: 2, peers: true },
  refresh: { rounds: 7, seconds: 4 },
  login: { rounds: 7, seconds: 4, peers: true },
  startup: { starts: 7 },
  memory: { requests: 1_000_000 },
  sockets: { count: 5000, perSecond: 1000, seconds: 15 },
  hasher: { rounds: 7, seconds: 2 },
};
const QUICK = {
  warmUp: { seconds: 0.4, bound: 30 },
  me: { rounds: 3, seconds: 1, peers: true, accounts: 16 },
  refresh: { rounds: 3, seconds: 1, accounts: 32 },
  login: { rounds: 3, seconds: 1, peers: true, accounts: 16 },
  startup: { starts: 1 },
  memory: { requests: 10_000 },
  sockets: { count: 300, perSecond: 200, seconds: 1 },
};
/** Tests that everything runs and that responses are right. The numbers mean nothing. */
const SMOKE = {
  warmUp: { seconds: 0.2, bound: 1 },
  me: { rounds: 1, seconds: 0.3, peers: true, accounts: 8 },
  refresh: { rounds: 1, seconds: 1, accounts: 10 },
  login: { rounds: 1, seconds: 0.3, peers: true, accounts: 8 },
  startup: { starts: 1 },
  memory: { requests: 1, accounts: 8 },
  sockets: { count: 20, perSecond: 50, seconds: 1 },
};
const SUITES = {
  me: measureMe,
  refresh: measureRefresh,
  login: measureLogin,
  startup: measureStartup,
  memory: measureMemory,
  sockets: measureSockets,
  hasher: measureHasher,
};

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string' },
  },
});
const out = options.out ?? (options.only ? undefined : join(ROOT, 'docs'));
const plan = options.smoke ? SMOKE : options.quick ? QUICK : FULL;
const wanted = options.only ? options.only.split(',') : Object.keys(SUITES).filter((name) => name in plan);
const unknown = wanted.filter((name) => !(name in SUITES));
if (unknown.length > 0) throw new Error(`There is no ${unknown.join()}: ${Object.keys(SUITES).join(', ')}`);

const startedAt = performance.now();
endOnSignals();
const workDir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
onEnd(() => rmSync(workDir, { recursive: true, force: true }));
// A temporary cluster in it runs as another user.
chmodSync(workDir, 0o755);
const progress = (line) => console.log(line);
let report = '';
try {
  const postgres = await openPostgres(workDir);
  const machine = describeMachine(postgres);
  const results = { machine, settings: settingsOf(plan) };
  const warmUps = createWarmUps({ ...plan.warmUp, progress });
  for (const name of wanted) {
    progress(name);
    const suite = { workDir, postgres, progress, warm: warmUps.warm };
    const before = started();
    results[name] = await SUITES[name](suite, plan[name] ?? FULL[name]);
    results.warmUps = warmUps.taken();
    // Stops the servers of a suite before the next one.
    await endAll(before);
    // Written after each suite, so that a failure of the next one does not lose it.
    if (!options.smoke) report = out ? await writeReport(out, results) : tables(results);
  }
  console.log(report);
  const goals = goalsOf(results);
  const hit = goals.filter(({ factor }) => factor >= 1).length;
  console.log(`${options.smoke ? 'It runs, and every answer was right' : `${hit} of ${goals.length} goals`}`);
  console.log(`${Math.round((performance.now() - startedAt) / 1000)} s`);
} finally {
  await endAll();
}

function settingsOf({ me, login }) {
  return (
    `${me.rounds} rounds of ${me.seconds} s for each variant of \`me\` over 64 connections, ${login.rounds} of ` +
    `${login.seconds} s for logins over ${LOGIN_CONNECTIONS}; variants in turns, each ratio between runs of one ` +
    'round; in brackets the lowest and the highest. Ratios can be compared between machines, the rest cannot.'
  );
}
