/**
 * Builds tap's test class for the plugins of package.json ("tap"), unless it is there: tap ships it for its default
 * plugins, and this project leaves one out, since scripts/typescript-loader.mjs compiles instead.
 */
import { execFileSync } from 'node:child_process';

const LEFT_OUT = '@tapjs/typescript';

await import('tap'); // First: the modules of tap import each other in a circle.
const { signature } = await import('@tapjs/test');
if (signature.split('\n').includes(LEFT_OUT)) {
  execFileSync('npx', ['--no-install', 'tap', 'build'], { stdio: 'inherit' });
}
