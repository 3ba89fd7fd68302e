// Measures the same with a thousand accounts and with a million, and writes the tables of docs/scaling.md.
//   npm run bench:scale                                     about ten minutes, and five gigabytes of disk
//   npm run bench:scale -- --users 100000 --sessions 500000
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endAll, endOnSignals, onEnd } from './lib/ends.mjs';
import { ROOT } from './lib/latchkey.mjs';
import { describeMachine } from './lib/machine.mjs';
import { openPostgres } from './lib/postgres.mjs';
import { replaceBetween, scaleTables } from './lib/report.mjs';
import { measureScale } from './suites/scale.mjs';

const { values: options } = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    sessions: { type: 'string', default: '5000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    out: { type: 'string', default: join(ROOT, 'docs') },
  },
});
endOnSignals();
const workDir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
onEnd(() => rmSync(workDir, { recursive: true, force: true }));
chmodSync(workDir, 0o755);
try {
  const postgres = await openPostgres(workDir);
  const machine = describeMachine(postgres);
  const context = { workDir, postgres, progress: (line) => console.log(line) };
  const results = await measureScale(context, {
    rounds: Number(options.rounds),
    seconds: Number(options.seconds),
    small: { users: 1000, sessions: 5000 },
    large: { users: Number(options.users), sessions: Number(options.sessions) },
  });
  const text = scaleTables({ ...results, machine });
  console.log(text);
  await replaceBetween(join(options.out, 'scaling.md'), text, 'Scaling');
} finally {
  await endAll();
}
