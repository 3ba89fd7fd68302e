// Fails when the last test run covered less of src/ than it must; reads tap's json-summary.
import { readFile } from 'node:fs/promises';

const REQUIRED = { lines: 95, branches: 95 };

const { total } = JSON.parse(await readFile('.tap/report/coverage-summary.json', 'utf8'));
for (const [kind, required] of Object.entries(REQUIRED)) {
  const { pct, covered, total: all } = total[kind];
  console.log(`${kind}: ${pct} % (${covered} of ${all}), required ${required} %`);
  if (!(pct >= required)) process.exitCode = 1;
}
