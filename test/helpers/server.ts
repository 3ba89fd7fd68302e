/** The bare HTTP server with the production plugins, for tests of what surrounds the GraphQL route. */
import { EventEmitter } from 'node:events';
import type { FastifyInstance } from 'fastify';
import { loadConfig, type Config } from '../../src/config/config.js';
import { createServer } from '../../src/server/http-server.js';

export interface TestServer {
  readonly app: FastifyInstance;
  readonly config: Config;
  /** Every line that was logged, parsed. */
  readonly logs: Record<string, unknown>[];
  /** The same lines as they were written. */
  readonly rawLogs: string[];
  /** Emits `line` after each. */
  readonly logged: EventEmitter;
}

/** A server of an environment; what a test needs more is registered by it. */
export function startTestServer(
  t: { teardown(work: () => unknown): void },
  env: Record<string, string> = {},
): TestServer {
  const config = loadConfig({ NODE_ENV: 'test', AUTH_SECRET: 'a test secret of more than thirty-two bytes', ...env });
  const rawLogs: string[] = [];
  const logged = new EventEmitter();
  const logs: Record<string, unknown>[] = [];
  const logStream = {
    write: (line: string) => {
      rawLogs.push(line);
      logs.push(JSON.parse(line) as Record<string, unknown>);
      logged.emit('line');
    },
  };
  const app = createServer(config, { logStream });
  t.teardown(() => app.close());
  return { app, config, logs, rawLogs, logged };
}

/** Listens on a free port of the loopback. @returns the port */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}
