/**
 * Divides the test files into groups that run in one process each (scripts/test-files.mjs), and writes a program for each group
 * into .cache/tests/. `npm test` runs these.
 */
import { filesBelow, publish } from './publish.mjs';

const FILES_PER_GROUP = 12;
/** They count the steps of modules that nothing may have loaded before. */
const ALONE = ['graphql/documents/work.test.ts', 'security/linear-parsers.test.ts'];

const files = (await filesBelow('test')).filter((path) => path.endsWith('.test.ts') && !path.startsWith('browser/'));
const grouped = files.filter((path) => !ALONE.includes(path));
const count = Math.ceil(grouped.length / FILES_PER_GROUP);
// Neighbours go to different groups, since files of one folder often take equally long.
const groups = Array.from({ length: count }, (_, group) => grouped.filter((_, index) => index % count === group));
groups.push(...ALONE.map((path) => [path]));
const programs = groups.map((group, index) => [
  `group-${String(index + 1).padStart(2, '0')}.mjs`,
  `import { runTestFiles } from '../../scripts/test-files.mjs';\n` +
    `await runTestFiles(${JSON.stringify(
      group.map((path) => `test/${path}`),
      undefined,
      2,
    )});\n`,
]);
await publish('.cache/tests', new Map(programs));
