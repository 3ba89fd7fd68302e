import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

const HOME = join(import.meta.dirname, '../..');
const run = promisify(execFile);

const SOURCES = {
  'src/server/start.cts': "void import('./main.js');",
  'src/server/main.ts': "import { answer } from '../deep/answer.js';\nconsole.log(answer satisfies number);",
  'src/deep/answer.ts': 'export const answer = 42;',
  'src/db/migrations/0000_first.sql': 'select 1;',
  'src/db/migrations/meta/_journal.json': '{}',
};

/** A small project with the build script and the playground of this one. */
async function project(t: Test) {
  // Outside of this project, so that Node does not find its node_modules/.
  const root = await mkdtemp(join(tmpdir(), 'latchkey-build-'));
  t.teardown(() => rm(root, { recursive: true }));
  for (const [path, content] of Object.entries(SOURCES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  await cp(join(HOME, 'scripts'), join(root, 'scripts'), { recursive: true });
  await cp(join(HOME, 'web/graphiql'), join(root, 'web/graphiql'), { recursive: true });
  await cp(join(HOME, 'package-lock.json'), join(root, 'package-lock.json'));
  await symlink(join(HOME, 'node_modules'), join(root, 'node_modules'));
  const dist = join(root, 'dist');
  return {
    root,
    dist,
    build: () => run(process.execPath, ['scripts/build.mjs'], { cwd: root }),
    /** Every file with the time of its last change. */
    async built(): Promise<Record<string, number>> {
      const entries = await readdir(dist, { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return Object.fromEntries(
        await Promise.all(paths.map(async (path) => [path.slice(dist.length + 1), (await stat(path)).mtimeMs])),
      );
    },
  };
}

t.test('builds, changes nothing the second time, and follows changes the third time', async (t) => {
  const { root, dist, build, built } = await project(t);
  await build();
  t.equal((await run(process.execPath, [join(dist, 'server/start.cjs')])).stdout, '42\n');
  const first = await built();
  for (const path of [
    'server/main.js.map',
    'db/migrations/0000_first.sql',
    'db/migrations/meta/_journal.json',
    'graphiql/index.html',
  ])
    t.ok(path in first, path);

  t.equal((await build()).stdout, '');
  t.same(await built(), first);

  await rm(join(root, 'src/deep'), { recursive: true });
  await writeFile(join(root, 'src/server/main.ts'), 'console.log(43);');
  await writeFile(join(dist, 'left-over.js'), '');
  await mkdir(join(dist, 'types'));
  await writeFile(join(dist, 'types/index.d.ts'), '');
  await build();
  const third = await built();
  t.same(
    Object.keys(first).filter((path) => !(path in third)),
    ['deep/answer.js', 'deep/answer.js.map'].filter((path) => path in first),
  );
  t.notOk('left-over.js' in third);
  t.ok('types/index.d.ts' in third, 'another script makes the types');
  t.equal(third['graphiql/index.html'], first['graphiql/index.html']);

  await writeFile(join(root, 'web/graphiql/icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await build();
  const fourth = Object.keys(await built());
  const icons = fourth.filter((path) => path.endsWith('.svg'));
  t.equal(icons.length, 1, 'the asset before it is gone');
  t.match(await readFile(join(dist, 'graphiql/index.html'), 'utf8'), icons[0]?.split('/').at(-1));
});

t.test('allows two concurrent builds', async (t) => {
  const { dist, build, built } = await project(t);
  await Promise.all([build(), build()]);
  t.equal((await run(process.execPath, [join(dist, 'server/start.cjs')])).stdout, '42\n');
  const paths = Object.keys(await built());
  t.ok(paths.includes('graphiql/index.html'));
  t.notOk(paths.some((path) => path.endsWith('.tmp')));
});

t.test('uses a complete dist/ without development dependencies, and refuses an incomplete one', async (t) => {
  const { root, dist, build } = await project(t);
  await rm(join(root, 'node_modules'));
  await t.rejects(build(), { code: 1, stderr: /npm ci/ });
  await mkdir(join(dist, 'graphiql'), { recursive: true });
  await mkdir(join(dist, 'server'), { recursive: true });
  await writeFile(join(dist, 'server/start.cjs'), '');
  await writeFile(join(dist, 'graphiql/index.html'), '');
  t.match((await build()).stdout, 'used as it is');
});
