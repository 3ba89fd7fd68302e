// Fails when the last test run covered less of src/ than it must; reads tap's json-summary.
import { readFile } from 'node:fs/promises';
import { sep } from 'node:path';

const REQUIRED = { lines: 95, branches: 95 };

const files = JSON.parse(await readFile('.tap/report/coverage-summary.json', 'utf8'));
const sources = Object.keys(files).filter((path) => path.startsWith(`${process.cwd()}${sep}src${sep}`));
for (const [kind, required] of Object.entries(REQUIRED)) {
  const sum = (count) => sources.reduce((total, path) => total + files[path][kind][count], 0);
  const [covered, total] = [sum('covered'), sum('total')];
  const percent = Math.floor((covered / total) * 10_000) / 100;
  console.log(`${kind}: ${percent} % (${covered} of ${total}), required ${required} %`);
  if (!(percent >= required)) process.exitCode = 1;
}
