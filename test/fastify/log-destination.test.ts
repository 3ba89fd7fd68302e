/** Log lines are written in batches and in order, and none is lost at exit. */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { bufferLines } from '../../src/fastify/log-destination.js';

const nextTurn = () => new Promise(setImmediate);

t.test('writes the lines of one event loop turn together', async (t) => {
  const writes: string[] = [];
  const destination = bufferLines({ write: (text) => void writes.push(text) });
  destination.write('a\n');
  destination.write('b\n');
  t.same(writes, [], 'nothing before the end of the turn');
  await nextTurn();
  t.same(writes, ['a\nb\n']);
});

t.test('buffers the lines of later turns until the minimum interval has passed', async (t) => {
  const writes: string[] = [];
  const patient = bufferLines({ write: (text) => void writes.push(text) }, 3_600_000);
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
  const destination = bufferLines({ write: (text) => onWrite(text) }, 5);
  for (const line of ['a\n', 'b\n', 'c\n']) {
    const written = new Promise<string>((resolve) => (onWrite = resolve));
    destination.write(line);
    t.equal(await written, line, 'by itself');
  }
});

t.test('flush writes at once, and no line is written twice', async (t) => {
  const writes: string[] = [];
  const destination = bufferLines({ write: (text) => void writes.push(text) });
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
  t.test(`writes the last lines of a process ${how} in the same turn`, async (t) => {
    const module = pathToFileURL('dist/fastify/log-destination.js').href;
    const script = `const { standardOutput } = await import('${module}'); standardOutput().write('last words\\n'); ${ending};`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    t.equal(stdout, 'last words\n');
    t.not(status, 0);
  });
}
