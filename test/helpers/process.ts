/** Runs the built server in a process, like `npm start`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestScope } from './app.js';
import { nodeProgram } from './child.js';
import { migratedDataDir } from './embedded-template.js';

export interface ServerProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Its output so far. */
  output(): string;
  /** Sends a document and returns the parsed response. */
  graphql(
    query: string,
    headers?: Record<string, string>,
  ): Promise<{ data?: Record<string, unknown>; errors?: { extensions: { code: string } }[] }>;
  /** Sends a signal and waits for the exit. Returns the exit status, or the signal that ended the process. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

const READY = /Latchkey is ready: (http:\/\/\S+)\/graphql/;

/** Starts a process. `env` overrides cheap hashes and a free port. */
export function spawnServer(t: TestScope, env: Record<string, string>): ChildProcess {
  const child = spawn(...nodeProgram(['dist/server/start.cjs']), {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      // Production rejects cheap hashes.
      ...(env['NODE_ENV'] === 'production' ? {} : { ARGON2_MEMORY_KIB: '64', ARGON2_TIME_COST: '1' }),
      RATE_LIMIT_ANONYMOUS: '100000/1m',
      RATE_LIMIT_FIELDS: 'register=100000/1m,login=100000/1m',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  t.teardown(() => {
    child.kill('SIGKILL');
    return exit;
  });
  return child;
}

/** Starts a server and waits until it is ready. Its database is migrated unless `env` names one. */
export async function startServer(t: TestScope, env: Record<string, string> = {}): Promise<ServerProcess> {
  const DATA_DIR = env['DATA_DIR'] ?? (env['DATABASE_URL'] === undefined ? await migratedDataDir(t) : 'memory://');
  const child = spawnServer(t, { ...env, DATA_DIR });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const ready = READY.exec(output)?.[1];
      if (ready) resolve(ready);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (status) => reject(new Error(`It ended with ${status}: ${output}`)));
  });
  return {
    url,
    child,
    output: () => output,
    async graphql(query, headers = {}) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      });
      return (await response.json()) as Awaited<ReturnType<ServerProcess['graphql']>>;
    },
    async end(signal) {
      const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
      child.kill(signal);
      const [status, by] = await exit;
      return status ?? by ?? 'unknown';
    },
  };
}

/** Starts a process that must refuse to start. Returns its output and exit status. */
export async function refusal(
  t: TestScope,
  env: Record<string, string>,
): Promise<{ output: string; status: number | null }> {
  const child = spawnServer(t, env);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { output, status };
}
