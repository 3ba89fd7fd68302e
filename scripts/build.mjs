// Builds dist/ from the working directory: the server, file by file, and the playground when its sources changed. Types are
// made by `npm run build:types`, for the package only.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { digestOf, filesBelow, publish } from './publish.mjs';

const PLAYGROUND = 'web/graphiql';
/** The file with the digest of the playground's sources, beside the built playground. */
const DIGEST = 'inputs.sha256';

const started = performance.now();
const esbuild = await import('esbuild').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
});
if (esbuild) await buildAll(esbuild);
else if (existsSync('dist/server/start.cjs') && existsSync('dist/graphiql/index.html')) {
  console.log('Development dependencies are not installed: dist/ is used as it is.');
} else {
  console.error('There is no complete dist/, and building it needs the development dependencies: run npm ci.');
  process.exitCode = 1;
}

async function buildAll({ build }) {
  const server = await publish('dist', await buildServer(build), (path) => /^(graphiql|types)\//.test(path));
  const playground = await buildPlayground();
  const written = server.written + playground.written;
  const removed = server.removed + playground.removed;
  if (written + removed === 0) return;
  console.log(`dist/: ${written} written, ${removed} removed in ${Math.round(performance.now() - started)} ms`);
}

/** Each module becomes one file at the same place, so that a stack trace reads like the source. */
async function buildServer(build) {
  const sources = (await filesBelow('src')).map((path) => `src/${path}`);
  const options = { outbase: 'src', outdir: 'dist', platform: 'node', target: 'node20', sourcemap: true, write: false };
  const outputs = await Promise.all([
    build({ ...options, entryPoints: sources.filter((path) => path.endsWith('.ts')), format: 'esm' }),
    build({ ...options, entryPoints: ['src/server/start.cts'], format: 'cjs', outExtension: { '.js': '.cjs' } }),
  ]);
  const dist = `${process.cwd()}/dist/`;
  const files = new Map(
    outputs.flatMap(({ outputFiles }) => outputFiles.map(({ path, contents }) => [path.slice(dist.length), contents])),
  );
  for (const path of sources.filter((path) => path.startsWith('src/db/migrations/'))) {
    files.set(path.slice('src/'.length), await readFile(path));
  }
  return files;
}

/** Takes seconds, so only when its inputs differ from those of the last time. */
async function buildPlayground() {
  const sources = (await filesBelow(PLAYGROUND)).map((path) => `${PLAYGROUND}/${path}`);
  const digest = await digestOf([...sources, 'package-lock.json', 'scripts/playground.mjs']);
  const built = await readFile(`dist/graphiql/${DIGEST}`, 'utf8').catch(() => undefined);
  if (built === digest) return { written: 0, removed: 0 };
  const { bundlePlayground } = await import('./playground.mjs');
  const files = await bundlePlayground(PLAYGROUND);
  return publish('dist/graphiql', files.set(DIGEST, digest));
}
