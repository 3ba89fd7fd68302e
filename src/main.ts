/** The process: config, database, app, listen; then a graceful end. */
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { buildApp } from './app.js';
import { loadConfig, type Config } from './config.js';
import { createSharedClock } from './db/clock.js';
import type { Database } from './db/database.js';
import { openDatabase } from './db/open.js';
import { standardOutput } from './http/log-destination.js';
import { loadSecrets } from './secrets.js';
import { gracefulShutdown } from './shutdown.js';
import { failureText } from './start-failure.js';

/** For the words of a failure. */
let config: Config | undefined;

async function main(): Promise<void> {
  config = await withPort((config = loadConfig()));
  const secrets = await loadSecrets(config.authSecrets, config.dataDir);
  const db = await openDatabase(config);
  const app = await start(config, db, secrets).catch(async (error: unknown) => {
    await db.close();
    throw error;
  });
  gracefulShutdown({
    app: app.server,
    beginDrain: app.beginDrain,
    delayMs: config.shutdownDelayMs,
    timeoutMs: config.shutdownTimeoutMs,
    log: app.server.log,
  });
}

async function start(config: Config, db: Database, secrets: readonly string[]) {
  if (config.migrateOnStart) await db.migrate();
  // Events go through Redis where there is one.
  if (config.redis.url === undefined) await db.verifyListening();
  const output = standardOutput();
  const app = await buildApp(config, { db, secrets, clock: await createSharedClock(db), logStream: output });
  const address = await app.server.listen({ host: config.host, port: config.port }).catch(async (error: unknown) => {
    // What the app has begun would keep the process alive.
    await app.server.close();
    throw error;
  });
  const playground = config.graphiql ? `Playground: ${address}/graphiql\n` : '';
  output.write(`Latchkey is ready: ${address}/graphql\n${playground}`);
  return app;
}

/** PORT=0 picks a free port before anything needs it: the tokens' issuer has it when PUBLIC_URL is not set. */
async function withPort(config: Config): Promise<Config> {
  if (config.port !== 0) return config;
  const port = await new Promise<number>((resolve, reject) => {
    const probe = createSocketServer();
    probe.once('error', reject);
    probe.listen({ host: config.host, port: 0 }, () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
  return { ...config, port };
}

main().catch((error: unknown) => {
  process.stderr.write(`${failureText(error, config)}\n`);
  process.exitCode = 1;
});
