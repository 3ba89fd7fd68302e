import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dataDirectory, inDataDirectory } from '../../src/config/data-directory.js';
import { openEmbedded } from '../../src/db/embedded.js';
import { findSecrets, loadSecrets } from '../../src/config/secrets.js';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** The warnings that `work` leads to. */
async function warningsOf(work: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = [];
  const listener = (warning: Error) => void warnings.push(warning.message);
  process.on('warning', listener);
  await work();
  // Node emits them on the next tick.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listener);
  return warnings;
}

t.test('creates private files and directories', async (t) => {
  const path = join(t.testdir(), 'a', 'b');
  await loadSecrets([], path);
  t.equal(modeOf(path), '700');
  t.equal(modeOf(join(path, 'auth-secret')), '600');
});

t.test('tightens the mode of an existing directory before using it', async (t) => {
  const path = t.testdir({
    'auth-secret': 'a secret of more than thirty-two characters'.replaceAll(' ', '-'),
    postgres: {},
    lock: {},
  });
  for (const name of ['', 'postgres', 'lock']) chmodSync(join(path, name), 0o755);
  chmodSync(join(path, 'auth-secret'), 0o644);
  await loadSecrets([], path);
  await (await openEmbedded(path)).close();
  t.same(
    ['', 'postgres', 'lock', 'auth-secret'].map((name) => modeOf(join(path, name))),
    ['700', '700', '700', '600'],
  );
});

t.test('warns of a directory with foreign files, keeps its mode and makes its own files private', async (t) => {
  const path = t.testdir({ 'index.html': 'somebody else serves it' });
  chmodSync(path, 0o755);
  const warnings = await warningsOf(() => loadSecrets([], path));
  t.match(warnings, [new RegExp(`Others can open ${path}\\. .* 0700`)]);
  t.equal(modeOf(path), '755');
  t.equal(modeOf(join(path, 'auth-secret')), '600');
});

t.test('leaves a private directory unchanged', async (t) => {
  const path = join(t.testdir(), 'private');
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(path, 'notes'), '');
  t.same(await warningsOf(() => dataDirectory(path)), []);
});

t.test('names DATA_DIR and the reason if it cannot be used', async (t) => {
  const path = t.testdir({ file: '', sub: { lock: 'a file' } });
  const cases = [
    [join(path, 'file'), /DATA_DIR: .*file is a file, or below a file, and not a directory \(ENOTDIR\)/],
    [join(path, 'file', 'below'), /DATA_DIR: .* \(ENOTDIR\)/],
    ['/proc/latchkey', /DATA_DIR: \/proc\/latchkey cannot be created \(ENOENT\)/],
    ['/proc/latchkey/below', /DATA_DIR: \/proc\/latchkey cannot be created \(ENOENT\)/],
  ] as const;
  for (const [directory, message] of cases) {
    await t.rejects(loadSecrets([], directory), { name: 'ConfigError', message });
    await t.rejects(openEmbedded(directory), { name: 'ConfigError', message });
  }
  await t.rejects(openEmbedded(join(path, 'sub')), { name: 'ConfigError', message: /DATA_DIR: .*lock is a file/ });
  const refused = Object.assign(new Error('x'), { code: 'EACCES', syscall: 'open', path: '/data/x' });
  const odd = Object.assign(new Error('x'), { code: 'EIO', syscall: 'open' });
  await t.rejects(
    inDataDirectory('/data', () => Promise.reject(refused)),
    /\/data\/x cannot be opened or written by/,
  );
  await t.rejects(
    inDataDirectory('/data', () => Promise.reject(odd)),
    /\/data cannot be used \(EIO\)/,
  );
  await t.rejects(
    inDataDirectory('/data', () => Promise.reject(new Error('a bug'))),
    { message: 'a bug' },
  );
});

t.test('creates a directory once when many processes start together', async (t) => {
  const path = join(t.testdir(), 'a', 'b', 'c');
  await Promise.all(Array.from({ length: 10 }, () => dataDirectory(path)));
  t.equal(modeOf(path), '700');
});

t.test('refuses a secret file that is empty or damaged, and leaves it as it is', async (t) => {
  for (const content of ['', '\n', '\0'.repeat(64), 'short']) {
    const path = t.testdir({ 'auth-secret': content });
    await t.rejects(loadSecrets([], path), {
      name: 'ConfigError',
      message: /AUTH_SECRET: .*auth-secret is empty or damaged/,
    });
    await t.rejects(findSecrets([], path), /empty or damaged/);
    t.equal(readFileSync(join(path, 'auth-secret'), 'utf8'), content);
  }
});
