/**
 * Lets Node run the TypeScript of tests and sources: `node --import=./scripts/typescript-loader.mjs file.ts`.
 * Each file is compiled once by esbuild and kept in .cache/, so that the many processes of a test run share the work.
 * The types are checked by `npm run typecheck`, not here.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const ROOT = new URL('..', import.meta.url);
const CACHE = new URL('.cache/typescript/', ROOT);
/** Part of each entry's name: a change of the compiler or of these options makes new entries. */
const OPTIONS = { loader: 'ts', format: 'esm', target: 'node20', sourcemap: 'inline', sourcesContent: true };

/** The next hooks are tap's, which record each module for coverage and double the time of loading it. */
const hasCoverage = process.env['_TAPJS_PROCESSINFO_COVERAGE_'] !== '0';

// Node evaluates this module twice: as the --import of a process, and as the module of its hooks in their thread.
if (isMainThread) register(import.meta.url);

/** `./module.js` of a TypeScript file means `./module.ts` where that exists; `tap` of a test file means test-files.mjs. */
export async function resolve(specifier, context, nextResolve) {
  if (specifier === 'tap' && context.parentURL?.endsWith('.test.ts')) {
    return { url: new URL('test-files.mjs', import.meta.url).href, format: 'module', shortCircuit: true };
  }
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const source = new URL(`${specifier.slice(0, -'.js'.length)}.ts`, context.parentURL);
    if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true };
  }
  return nextResolve(specifier, context);
}

export async function load(url, context, nextLoad) {
  const isTypeScript = url.startsWith(ROOT.href) && url.endsWith('.ts') && !url.includes('/node_modules/');
  if (!isTypeScript) {
    const isModule = context.format === 'module' && url.startsWith('file:');
    return isModule && !hasCoverage ? readModule(url) : nextLoad(url, context);
  }
  const { source } = hasCoverage ? await nextLoad(url, { ...context, format: 'module' }) : readModule(url);
  return { format: 'module', source: await compiled(url, String(source)), shortCircuit: true };
}

function readModule(url) {
  return { format: 'module', source: readFileSync(fileURLToPath(url), 'utf8'), shortCircuit: true };
}

async function compiled(url, source) {
  const sourcefile = fileURLToPath(url);
  const name = createHash('sha256')
    .update(JSON.stringify([OPTIONS, sourcefile, lockedEsbuild(), source]))
    .digest('hex');
  const entry = new URL(`${name}.js`, CACHE);
  if (existsSync(entry)) return readFileSync(entry, 'utf8');
  const { transform } = await import('esbuild');
  const { code } = await transform(source, { ...OPTIONS, sourcefile });
  mkdirSync(CACHE, { recursive: true });
  // Processes may write one entry at the same time: a rename replaces it whole.
  const draft = new URL(`${name}.${process.pid}`, CACHE);
  writeFileSync(draft, code);
  renameSync(draft, entry);
  return code;
}

let version;
function lockedEsbuild() {
  version ??= JSON.parse(readFileSync(new URL('node_modules/esbuild/package.json', ROOT), 'utf8')).version;
  return version;
}
