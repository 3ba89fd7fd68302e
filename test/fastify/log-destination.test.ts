/** Log lines reach standard output in their order, none is lost at the end, and a failing write ends no process. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import t from 'tap';

const MODULE = pathToFileURL('dist/fastify/log-destination.js').href;

/** The arguments of a Node process that runs a script with `log`, which writes a line. */
const scriptOf = (script: string) => [
  '--input-type=module',
  '-e',
  `const { standardOutput } = await import('${MODULE}'); const output = standardOutput();
  const log = (line) => output.write(line + '\\n'); ${script}`,
];

t.test('writes a line before long while the process goes on', async (t) => {
  const child = spawn(process.execPath, scriptOf(`log('a'); setInterval(() => {}, 1000);`));
  t.teardown(() => child.kill('SIGKILL'));
  t.equal(String((await once(child.stdout, 'data'))[0]), 'a\n');
});

for (const [how, ending] of [
  ['exits', 'process.exit(3)'],
  ['fails', 'throw new Error("fault")'],
] as const) {
  t.test(`writes every line in order when the process ${how} in the same turn`, async (t) => {
    const lines = Array.from({ length: 2000 }, (_, index) => `${index} ${'x'.repeat(index % 100)}`);
    const script = scriptOf(
      `for (let i = 0; i < 2000; i += 1) log(i + ' ' + 'x'.repeat(i % 100)); log('y'.repeat(20_000)); log('last'); ${ending};`,
    );
    const { stdout, status } = spawnSync(process.execPath, script, { encoding: 'utf8' });
    t.same(stdout.split('\n'), [...lines, 'y'.repeat(20_000), 'last', '']);
    t.not(status, 0);
  });
}

t.test('gathers lines into few writes', async (t) => {
  const script = scriptOf(`
    const { default: fs } = await import('node:fs');
    const { writeSync } = fs;
    let writes = 0;
    fs.writeSync = (...parts) => { writes += 1; return writeSync(...parts); };
    for (let i = 0; i < 1000; i += 1) log('a line of a request');
    process.stderr.write(String(writes));`);
  const { stdout, stderr } = spawnSync(process.execPath, script, { encoding: 'utf8' });
  t.equal(stdout, 'a line of a request\n'.repeat(1000));
  const writes = Number(stderr);
  t.ok(writes >= 1 && writes <= 10, `${writes} writes of 20,000 bytes`);
});

t.test(
  'writes at most once in ten milliseconds, and the first line of a quiet server at the end of its turn',
  async (t) => {
    const script = scriptOf(`
    const { default: fs } = await import('node:fs');
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const { writeSync } = fs;
    let writes = 0;
    fs.writeSync = (...parts) => { writes += 1; return writeSync(...parts); };
    const startedAt = performance.now();
    log('a line of a request');
    await turn();
    const first = writes;
    for (let i = 1; i < 200; i += 1) { log('a line of a request'); await turn(); }
    process.stderr.write(JSON.stringify({ first, writes, elapsedMs: performance.now() - startedAt }));`);
    const { stdout, stderr } = spawnSync(process.execPath, script, { encoding: 'utf8' });
    t.equal(stdout, 'a line of a request\n'.repeat(200));
    const { first, writes, elapsedMs } = JSON.parse(stderr) as Record<'first' | 'writes' | 'elapsedMs', number>;
    t.equal(first, 1);
    // A timer may be a millisecond early.
    t.ok(writes <= 1 + elapsedMs / 9, `${writes} writes in ${elapsedMs} ms`);
  },
);

t.test('keeps running after its reader has closed the pipe, and exits without waiting', async (t) => {
  const child = spawn(
    process.execPath,
    scriptOf(`process.stdin.once('data', () => {
      for (let i = 0; i < 1000; i += 1) log('a line that nobody reads');
      setTimeout(() => { log('the last'); process.stderr.write('alive'); process.exit(7); }, 250);
    });`),
  );
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (text) => (said += String(text)));
  child.stdout.destroy();
  await once(child.stdout, 'close');
  child.stdin.write('go');
  t.equal((await once(child, 'close'))[0], 7);
  t.equal(said, 'alive');
});

t.test('keeps running when the disk is full', async (t) => {
  const script = `for (let i = 0; i < 100_000; i += 1) log('a line that has no room');
    setTimeout(() => { process.stderr.write('alive'); process.exit(7); }, 250);`;
  const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const;
  const { stderr, status } = spawnSync(process.execPath, scriptOf(script), { encoding: 'utf8', stdio: [...stdio] });
  t.equal(stderr, 'alive');
  t.equal(status, 7);
});
