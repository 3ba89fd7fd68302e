/**
 * Builds tap's test class for the plugins of package.json ("tap"), unless it is built: tap ships it for its default
 * plugins, and this project leaves one out, since scripts/typescript-loader.mjs compiles instead. The file is read and
 * not imported, because importing tap starts a test.
 */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';

const LEFT_OUT = '@tapjs/typescript';

const built = new URL('../node_modules/@tapjs/test/test-built/dist/esm/index.js', import.meta.url);
if ((await readFile(built, 'utf8')).includes(LEFT_OUT)) {
  execFileSync('npm', ['exec', '--no', '--', 'tap', 'build'], { stdio: 'inherit' });
}
