import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Where the page, at `…/graphiql`, finds what lies in assets/: relative, so that any path prefix works. */
const ASSETS = 'graphiql/assets/';
const COMPRESSIBLE = /\.(?:js|css|svg|ttf)$/;

/** @type {import('esbuild').BuildOptions} */
const BROWSER = {
  bundle: true,
  minify: true,
  write: false,
  platform: 'browser',
  target: 'es2022',
  define: { 'process.env.NODE_ENV': '"production"' },
  // GraphiQL's worker setup logs every worker to the console.
  pure: ['console.info'],
};

/**
 * Bundles the playground: a page, and assets named by their content, each also gzipped.
 * @param {string} source the directory of main.tsx and index.html
 * @returns {Promise<Map<string, Uint8Array | string>>} files by path; the page comes last, after all it refers to
 */
export async function bundlePlayground(source) {
  const { outputFiles, metafile } = await build({
    ...BROWSER,
    entryPoints: [`${source}/main.tsx`],
    outdir: '/assets',
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    format: 'esm',
    splitting: true,
    metafile: true,
    jsx: 'automatic',
    // Nothing but what the digest of the inputs covers.
    tsconfigRaw: {},
    loader: { '.ttf': 'file', '.svg': 'file' },
    // Prettier's old names lead to CommonJS, whose exports a chunk of its own does not name.
    alias: { 'prettier/parser-babel': 'prettier/plugins/babel', 'prettier/parser-graphql': 'prettier/plugins/graphql' },
    plugins: [workers],
  });
  const files = new Map();
  for (const { path, contents } of outputFiles) {
    const name = basename(path);
    // The entry's style sheet holds the chunks' styles too, and nothing loads theirs.
    if (name.endsWith('.css') && !name.startsWith('main-')) continue;
    files.set(`assets/${name}`, contents);
    if (COMPRESSIBLE.test(name)) files.set(`assets/${name}.gz`, gzipSync(contents, { level: 9 }));
  }
  const html = await readFile(`${source}/index.html`, 'utf8');
  return files.set(
    'index.html',
    withHashedNames(
      html,
      Object.keys(metafile.outputs).map((path) => basename(path)),
    ),
  );
}

/** Every `src` and `href` of the page, as its asset is served: `main.css` becomes `graphiql/assets/main-….css`. */
function withHashedNames(html, outputs) {
  return html.replace(/(?<=\b(?:src|href)=")([\w.]+)\.(\w+)(?=")/g, (_, name, extension) => {
    const output = outputs.find((output) => output.startsWith(`${name}-`) && output.endsWith(`.${extension}`));
    if (!output) throw new Error(`index.html refers to ${name}.${extension}, which the bundle does not have`);
    return ASSETS + output;
  });
}

/** `import W from './w.js?worker'`, as Vite has it: a class of workers that run a bundle of their own. */
const workers = {
  name: 'workers',
  /** @param {import('esbuild').PluginBuild} plugin */
  setup(plugin) {
    plugin.onResolve({ filter: /\?worker$/ }, async ({ path, kind, resolveDir }) => {
      const { errors, path: resolved } = await plugin.resolve(path.replace(/\?worker$/, ''), { kind, resolveDir });
      return { errors, path: resolved, namespace: 'worker' };
    });
    plugin.onLoad({ filter: /.*/, namespace: 'worker' }, ({ path }) => ({
      contents: `import url from ${JSON.stringify(path)};
        export default class extends Worker { constructor() { super(new URL(url, import.meta.url)); } }`,
    }));
    plugin.onResolve({ filter: /.*/, namespace: 'worker' }, ({ path }) => ({ path, namespace: 'worker-bundle' }));
    plugin.onLoad({ filter: /.*/, namespace: 'worker-bundle' }, async ({ path }) => {
      const { outputFiles } = await build({ ...BROWSER, entryPoints: [path], format: 'iife' });
      return { contents: outputFiles[0].contents, loader: 'file' };
    });
  },
};
