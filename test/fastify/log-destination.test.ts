/** Log lines of a moment are written together, in their order, and none stays behind. */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { gatherLines } from '../../src/fastify/log-destination.js';

const nextTurn = () => new Promise(setImmediate);

t.test('lines of one turn are one write', async (t) => {
  const writes: string[] = [];
  const destination = gatherLines({ write: (text) => void writes.push(text) });
  destination.write('a\n');
  destination.write('b\n');
  t.same(writes, [], 'not yet');
  await nextTurn();
  t.same(writes, ['a\nb\n']);
});

t.test('those of the turns after it wait for each other, and not for ever', async (t) => {
  const writes: string[] = [];
  const patient = gatherLines({ write: (text) => void writes.push(text) }, 3_600_000);
  patient.write('a\n');
  await nextTurn();
  for (const line of ['b\n', 'c\n']) {
    patient.write(line);
    await nextTurn();
  }
  t.same(writes, ['a\n']);
  patient.flush();
  t.same(writes, ['a\n', 'b\nc\n']);

  let onWrite!: (text: string) => void;
  const destination = gatherLines({ write: (text) => onWrite(text) }, 5);
  for (const line of ['a\n', 'b\n', 'c\n']) {
    const written = new Promise<string>((resolve) => (onWrite = resolve));
    destination.write(line);
    t.equal(await written, line, 'by itself');
  }
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
    const module = pathToFileURL('dist/fastify/log-destination.js').href;
    const script = `const { standardOutput } = await import('${module}'); standardOutput().write('last words\\n'); ${ending};`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    t.equal(stdout, 'last words\n');
    t.not(status, 0);
  });
}
