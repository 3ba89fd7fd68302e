/** Installs the packed package in an empty project and runs the programs of the documentation there. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import type { TestScope } from './app.js';
import { nodeProgram, program } from './child.js';

const run = promisify(execFile);

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly [key: string]: unknown;
}

interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

export interface Program {
  readonly name: string;
  readonly source: string;
}

export interface Project {
  readonly directory: string;
  /** Writes a program and replaces its ports. */
  write(program: Program, ports: Ports): Promise<void>;
  /** The type errors of the written programs. */
  typeErrors(): Promise<string>;
  /** Runs a program until `stop`; resolves when it has printed its address. @param env further variables */
  start(name: string, env?: Record<string, string>): Promise<{ stop(): Promise<void> }>;
}

/** Ports that replace 3000 (Latchkey) and 4000 (other services). */
export interface Ports {
  readonly latchkey: number;
  readonly other: number;
}

/** The TypeScript blocks of a document. @param prefix starts the names of unnamed programs */
export function programsOf(markdown: string, prefix: string): Program[] {
  const blocks = [...markdown.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, source]) => source!);
  return blocks.map((source, index) => ({
    name: /^\/\/ ([\w-]+)\.ts/.exec(source)?.[1] ?? `${prefix}-${index}`,
    source,
  }));
}

/** The types of Node.js, which TypeScript projects install. */
const TYPES = ['@types/node', 'undici-types'];

/**
 * Packs this package and installs it in an empty project with the versions of package-lock.json. They come from npm's cache if
 * `npm ci` has filled it, otherwise from the registry.
 */
export async function installedProject(t: TestScope): Promise<Project> {
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-package-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const { stdout } = await run(...program('npm', ['pack', '--silent', '--pack-destination', directory]), {
    maxBuffer: 1e8,
  });
  const tarball = stdout.trim().split('\n').at(-1)!;
  await writeFile(join(directory, 'package.json'), JSON.stringify(await manifest(tarball)));
  await writeFile(join(directory, 'package-lock.json'), JSON.stringify(await lockfile(directory, tarball)));
  const install = ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run(...program('npm', install), { cwd: directory });
  const names: string[] = [];
  return {
    directory,
    async write({ name, source }, { latchkey, other }) {
      names.push(name);
      const text = source.replaceAll('3000', String(latchkey)).replaceAll('4000', String(other));
      const { outputText } = ts.transpileModule(text, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      await writeFile(join(directory, `${name}.ts`), text);
      await writeFile(join(directory, `${name}.mjs`), outputText);
    },
    async typeErrors() {
      const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--noEmit', '--types', 'node'];
      const strict = ['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false'];
      const compiler = join(process.cwd(), 'node_modules/typescript/bin/tsc');
      const files = names.map((name) => `${name}.ts`);
      return run(...program(process.execPath, [compiler, ...options, ...strict, ...files]), { cwd: directory }).then(
        () => '',
        (error: unknown) => (error as { stdout: string }).stdout,
      );
    },
    start: (name, env) => start(t, directory, `${name}.mjs`, env),
  };
}

async function read(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

async function manifest(tarball: string): Promise<object> {
  const { packages } = (await read('package-lock.json')) as Lock;
  return {
    name: 'app',
    version: '1.0.0',
    type: 'module',
    dependencies: { latchkey: `file:${tarball}`, fastify: packages['node_modules/fastify']!.version },
    devDependencies: { '@types/node': packages['node_modules/@types/node']!.version },
  };
}

/** The lock file of this package without development dependencies, and with the package itself. */
async function lockfile(directory: string, tarball: string): Promise<object> {
  const { packages, ...lock } = (await read('package-lock.json')) as Lock;
  const { version, dependencies, engines } = packages['']!;
  const digest = createHash('sha512').update(await readFile(join(directory, tarball)));
  const integrity = `sha512-${digest.digest('base64')}`;
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  const types = TYPES.map((name) => [`node_modules/${name}`, packages[`node_modules/${name}`]]);
  const latchkey = { version, resolved: `file:${tarball}`, integrity, dependencies, engines };
  return {
    ...lock,
    name: 'app',
    version: '1.0.0',
    packages: {
      '': await manifest(tarball),
      ...Object.fromEntries([...needed, ...types]),
      'node_modules/latchkey': latchkey,
    },
  };
}

async function start(t: TestScope, cwd: string, file: string, env: Record<string, string> = {}) {
  const child = spawn(...nodeProgram([file]), {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    let output = '';
    const onData = (chunk: Buffer): void => {
      output += chunk.toString();
      if (/^http:\/\//m.test(output)) resolve();
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.once('exit', (status) => reject(new Error(`${file} ended with ${status}: ${output}`)));
  });
  return {
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
