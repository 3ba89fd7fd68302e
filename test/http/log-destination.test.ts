/** Log lines of one turn of the event loop are written together, in their order, and none stays behind. */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { gatherLines } from '../../src/http/log-destination.js';

const nextTurn = () => new Promise(setImmediate);

t.test('lines of one turn are one write, those of the next another', async (t) => {
  const writes: string[] = [];
  const destination = gatherLines({ write: (text) => void writes.push(text) });
  destination.write('a\n');
  destination.write('b\n');
  t.same(writes, [], 'not yet');
  await nextTurn();
  t.same(writes, ['a\nb\n']);
  destination.write('c\n');
  await nextTurn();
  t.same(writes, ['a\nb\n', 'c\n']);
});

t.test('a flush writes at once and leaves nothing to be written twice', async (t) => {
  const writes: string[] = [];
  const destination = gatherLines({ write: (text) => void writes.push(text) });
  destination.write('a\n');
  destination.flush();
  destination.flush();
  t.same(writes, ['a\n']);
  await nextTurn();
  t.same(writes, ['a\n']);
});

for (const [how, ending] of [
  ['that exits', 'process.exit(3)'],
  ['that fails', 'throw new Error("fault")'],
] as const) {
  t.test(`a process ${how} in the same turn leaves its last lines`, async (t) => {
    const module = pathToFileURL('dist/http/log-destination.js').href;
    const script = `const { standardOutput } = await import('${module}'); standardOutput().write('last words\\n'); ${ending};`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    t.equal(stdout, 'last words\n');
    t.not(status, 0);
  });
}
