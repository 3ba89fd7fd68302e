import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { lockDirectory } from '../../src/db/lock.js';

const held = { name: 'DirectoryHeldError' };
const directory = t.testdir();
const files = () => readdir(join(directory, 'lock'));
const plant = (number: number, holder: object) =>
  writeFile(join(directory, 'lock', `holder-${number}`), JSON.stringify(holder));

t.test('a second holder is refused and told who has it; after a release it gets it', async (t) => {
  const lock = await lockDirectory(directory);
  await t.rejects(lockDirectory(directory), { ...held, message: new RegExp(`process ${process.pid} on .* since 20`) });
  await lock.release();
  await (await lockDirectory(directory)).release();
  t.equal((await files()).length, 1, 'nothing is left behind but the last number');
});

t.test('of many that try at once exactly one gets it, after a release and after a death', async (t) => {
  for (const dead of [false, true]) {
    const last = Number((await files())[0]?.replace('holder-', ''));
    if (dead)
      await plant(last, {
        pid: 2 ** 22 + 1,
        born: 'long ago',
        host: (await import('node:os')).hostname(),
        since: 'then',
      });
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(directory)));
    const won = tries.filter((result) => result.status === 'fulfilled');
    t.equal(won.length, 1);
    for (const result of tries) if (result.status === 'rejected') t.match(result.reason, held);
    await won[0]?.value.release();
  }
});

t.test('a process that has the number of a dead holder is not taken for it', async (t) => {
  const { hostname } = await import('node:os');
  const last = Number((await files())[0]?.replace('holder-', ''));
  await plant(last, { pid: process.ppid, born: 'another boot', host: hostname(), since: 'then' });
  await (await lockDirectory(directory)).release();
  await t.resolves(Promise.resolve());
});

t.test('a holder on another machine counts as long as it gives signs of life', async (t) => {
  const last = Number((await files())[0]?.replace('holder-', ''));
  await plant(last, { pid: 1, born: '', host: 'elsewhere', since: 'then' });
  await t.rejects(lockDirectory(directory), { ...held, message: /process 1 on elsewhere since then/ });
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(join(directory, 'lock', `holder-${last}`), longAgo, longAgo);
  await (await lockDirectory(directory)).release();
});
