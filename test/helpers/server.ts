/** The HTTP server with the production plugins and without the GraphQL route. */
import { EventEmitter } from 'node:events';
import type { FastifyInstance } from 'fastify';
import { loadConfig, type Config } from '../../src/config/config.js';
import { createServer } from '../../src/server/http-server.js';

export interface TestServer {
  readonly app: FastifyInstance;
  readonly config: Config;
  /** All log lines, parsed. */
  readonly logs: Record<string, unknown>[];
  /** All log lines as written. */
  readonly rawLogs: string[];
  /** Emits `line` after each line. */
  readonly logged: EventEmitter;
}

/** Creates a server with the settings of `env`. The test registers further plugins and routes. */
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

/** Listens on a free port of the loopback address. @returns the port */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}
