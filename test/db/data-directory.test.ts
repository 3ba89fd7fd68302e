import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dataDirectory } from '../../src/db/data-directory.js';
import { openEmbedded } from '../../src/db/embedded.js';
import { loadSecrets } from '../../src/secrets.js';

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

t.test('what is made is private', async (t) => {
  const path = join(t.testdir(), 'a', 'b');
  await loadSecrets([], path);
  t.equal(modeOf(path), '700');
  t.equal(modeOf(join(path, 'auth-secret')), '600');
});

t.test('what was there with a wider mode is tightened, before anything is in it', async (t) => {
  const path = t.testdir({ 'auth-secret': 'a secret', postgres: {}, lock: {} });
  for (const name of ['', 'postgres', 'lock']) chmodSync(join(path, name), 0o755);
  chmodSync(join(path, 'auth-secret'), 0o644);
  await loadSecrets([], path);
  await (await openEmbedded(path)).close();
  t.same(
    ['', 'postgres', 'lock', 'auth-secret'].map((name) => modeOf(join(path, name))),
    ['700', '700', '700', '600'],
  );
});

t.test('a directory that holds other things stays as it is, with a warning, and ours in it are private', async (t) => {
  const path = t.testdir({ 'index.html': 'somebody else serves it' });
  chmodSync(path, 0o755);
  const warnings = await warningsOf(() => loadSecrets([], path));
  t.match(warnings, [new RegExp(`Others can open ${path}\\. .* 0700`)]);
  t.equal(modeOf(path), '755');
  t.equal(modeOf(join(path, 'auth-secret')), '600');
});

t.test('a private directory is left alone, whatever is in it', async (t) => {
  const path = join(t.testdir(), 'private');
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(path, 'notes'), '');
  t.same(await warningsOf(() => dataDirectory(path)), []);
});
