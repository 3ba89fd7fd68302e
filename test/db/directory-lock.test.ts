/** The lock on the data directory: one process at a time, released by the kernel. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadTryLock } from '../../src/db/file-lock.js';
import { lockDirectory } from '../../src/db/directory-lock.js';
import type { TestScope } from '../helpers/app.js';

const held = { name: 'DirectoryHeldError' };

/** A process that locks `DIRECTORY`, prints `held` or the error, and keeps the lock until it is killed. */
const HOLDER = `
  const { lockDirectory } = await import(process.cwd() + '/dist/db/directory-lock.js');
  const answer = await lockDirectory(process.env.DIRECTORY).then(() => 'held', (error) => error.message);
  console.log(answer);
  setInterval(() => undefined, 60_000);
`;

function spawnHolder(t: TestScope, directory: string, wrapper: readonly string[] = []): ChildProcess {
  const [command, ...args] = [...wrapper, process.execPath, '--input-type=module', '--eval', HOLDER];
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], DIRECTORY: directory },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function answerOf(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer];
  return chunk.toString().trim();
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

t.test('rejects a second lock with the name of the holder until the first is released', async (t) => {
  const directory = t.testdir();
  const lock = await lockDirectory(directory);
  await t.rejects(lockDirectory(directory), { ...held, message: new RegExp(`process ${process.pid} on .* since 20`) });
  await t.rejects(lockDirectory(directory), held, 'a rejected attempt does not release it');
  lock.release();
  lock.release();
  (await lockDirectory(directory)).release();
  t.same(readdirSync(join(directory, 'lock')), ['holder']);
  t.equal(statSync(join(directory, 'lock', 'holder')).mode & 0o777, 0o600);
});

t.test('lets one of many concurrent processes lock, and the next one after kill -9', async (t) => {
  const directory = t.testdir();
  for (let round = 0; round < 2; round += 1) {
    const children = Array.from({ length: 5 }, () => spawnHolder(t, directory));
    const answers = await Promise.all(children.map(answerOf));
    t.equal(answers.filter((answer) => answer === 'held').length, 1);
    for (const answer of answers.filter((answer) => answer !== 'held')) t.match(answer, /is held by/);
    await Promise.all(children.map(kill));
  }
  (await lockDirectory(directory)).release();
});

t.test('works in a directory with a path longer than a socket address', async (t) => {
  const directory = join(t.testdir(), 'd'.repeat(120), 'e'.repeat(120));
  const lock = await lockDirectory(directory);
  await t.rejects(lockDirectory(directory), held);
  lock.release();
});

/** As two containers with one volume and one host name: process 1 in each, of a process tree and a host of its own. */
const CONTAINER = ['unshare', '--user', '--map-root-user', '--uts', '--pid', '--mount', '--fork', '--kill-child'];
const hasNamespaces = (() => {
  try {
    execFileSync(CONTAINER[0]!, [...CONTAINER.slice(1), 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
if (hasNamespaces) {
  t.test('excludes processes of other PID, UTS and mount namespaces until kill -9', async (t) => {
    const directory = t.testdir();
    const first = spawnHolder(t, directory, CONTAINER);
    t.equal(await answerOf(first), 'held');
    const holder = JSON.parse(readFileSync(join(directory, 'lock', 'holder'), 'utf8')) as { pid: number };
    t.equal(holder.pid, 1);
    const second = spawnHolder(t, directory, CONTAINER);
    t.match(await answerOf(second), /held by process 1 on /);
    await t.rejects(lockDirectory(directory), held, 'outside of them as well');
    await kill(first);
    t.equal(await answerOf(spawnHolder(t, directory, CONTAINER)), 'held');
  });
}

t.test('waits for a process of an earlier release, and removes its files when they are stale', async (t) => {
  const directory = t.testdir();
  const folder = join(directory, 'lock');
  mkdirSync(folder);
  const file = join(folder, 'holder-7');
  writeFileSync(file, JSON.stringify({ pid: 1, born: '', host: 'elsewhere', since: 'then' }));
  await t.rejects(lockDirectory(directory), { ...held, message: /process 1 on elsewhere since then.* 30 seconds/ });
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(file, longAgo, longAgo);
  (await lockDirectory(directory)).release();
  writeFileSync(join(folder, 'holder-8'), '');
  (await lockDirectory(directory)).release();
  t.same(readdirSync(folder), ['holder'], 'also those of one that stopped in order');
});

t.test('names DATA_DIR if the file system has no locks, and DATABASE_URL if the platform has none', async (t) => {
  const noLocks = () => {
    throw Object.assign(new Error('no locks available'), { code: 'ENOLCK' });
  };
  await t.rejects(lockDirectory(t.testdir(), noLocks), { name: 'ConfigError', message: /DATA_DIR: .*ENOLCK/ });
  const notBuilt = () => {
    throw new Error('Cannot find addon');
  };
  t.throws(() => loadTryLock(notBuilt), { name: 'ConfigError', message: /DATABASE_URL: must be set/ });
});

t.test('reports a holder that has not written its name', async (t) => {
  const directory = t.testdir();
  const lock = await lockDirectory(directory);
  writeFileSync(join(directory, 'lock', 'holder'), '{"pid":');
  await t.rejects(lockDirectory(directory), { ...held, message: /held by another process/ });
  lock.release();
});
