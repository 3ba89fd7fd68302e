/** Runs the standalone server: configuration, ports, database, app, listening, and graceful shutdown. */
import { openStore } from '../api/store.js';
import { buildApp, type App } from './app.js';
import { loadConfig, type Config } from '../config/config.js';
import { standardOutput } from '../fastify/log-destination.js';
import { checkPort, refusedPort } from './listening.js';
import { gracefulShutdown } from './shutdown.js';
import { failureText } from './start-failure.js';

/** For the message of a failed start. */
let config: Config | undefined;

async function main(): Promise<void> {
  config = await withPorts((config = loadConfig()));
  const app = await start(config);
  gracefulShutdown({
    app: app.server,
    beginDrain: app.beginDrain,
    delayMs: config.shutdownDelayMs,
    timeoutMs: config.shutdownTimeoutMs,
    log: app.server.log,
  });
}

async function start(config: Config): Promise<App> {
  const store = await openStore(config);
  const output = standardOutput();
  const app = await buildApp(config, { ...store, logStream: output }).catch(async (error: unknown) => {
    await store.db.close();
    throw error;
  });
  const address = await listen(app, config).catch(async (error: unknown) => {
    // Otherwise its connections and jobs would keep the process alive.
    await app.server.close();
    throw error;
  });
  const playground = config.graphiql ? `Playground: ${address}/graphiql\n` : '';
  output.write(`Latchkey is ready: ${address}/graphql\n${playground}`);
  return app;
}

/** Listens for metrics first, so that a server that is ready can be monitored. @returns the address of the API */
async function listen({ server, metricsServer }: App, { host, port, metrics }: Config): Promise<string> {
  if (metricsServer) await metricsServer.listen({ host, port: metrics.port! }).catch(refusedPort('METRICS_PORT', host));
  return server.listen({ host, port }).catch(refusedPort('PORT', host));
}

/**
 * Checks that the ports are free before the database is opened and migrated. Resolves PORT=0 to a free port first, because the
 * issuer of tokens contains it if PUBLIC_URL is not set.
 * @throws ConfigError naming PORT, METRICS_PORT or HOST
 */
async function withPorts(config: Config): Promise<Config> {
  const port = await checkPort('PORT', config.host, config.port);
  const { metrics } = config;
  if (metrics.port === undefined) return { ...config, port };
  return { ...config, port, metrics: { ...metrics, port: await checkPort('METRICS_PORT', config.host, metrics.port) } };
}

main().catch((error: unknown) => {
  process.stderr.write(`${failureText(error, config)}\n`);
  process.exitCode = 1;
});
