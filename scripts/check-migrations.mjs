// Fails when the tables of src/db/schema and the migrations differ: a copy of the migrations must need no new one.
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';

const folder = await mkdtemp('.drizzle-check-');
try {
  await cp('src/db/migrations', folder, { recursive: true });
  const before = await readdir(folder);
  const { status, stdout, stderr } = spawnSync(
    'npx',
    [
      '--no-install',
      'drizzle-kit',
      'generate',
      '--dialect=postgresql',
      '--schema=./src/db/schema',
      `--out=./${folder}`,
      '--casing=snake_case',
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`drizzle-kit failed: ${stdout}${stderr}`);
  if ((await readdir(folder)).length !== before.length) {
    console.error('The tables differ from the migrations: run npm run db:generate and commit what it writes.');
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
