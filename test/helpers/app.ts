/** The app with the production plugins, on a fresh database, with a clock that the test moves. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../src/server/app.js';
import type { Strategy } from '../../src/authn/strategy.js';
import type { Clock } from '../../src/lib/clock.js';
import type { IdentitySettings } from '../../src/identities/create.js';
import { loadConfig, type Config } from '../../src/config/config.js';
import type { Database, Executor } from '../../src/db/database.js';
import type { Events } from '../../src/events/events.js';
import type { Mail } from '../../src/mail/transport.js';
import { testClient, type ClientOptions, type TestClient } from './client.js';
import { testClock, type TestClock } from './clock.js';
import { openTestDatabase } from './database.js';
import { connection, onRedis, REDIS_URL } from './events.js';
import { registerUser, type SeededUser } from './seed.js';

export interface TestApp {
  readonly server: FastifyInstance;
  readonly metricsServer: FastifyInstance | undefined;
  readonly db: Database;
  /** Events arrive from the beginning. */
  readonly events: Events;
  readonly clock: TestClock;
  readonly config: Config;
  /** All log lines, parsed. */
  readonly logs: Record<string, unknown>[];
  /** Sends all due mail, and returns the messages to an address. */
  mailTo(address: string): Promise<Mail[]>;
  /** Runs a background job now. */
  runJob(name: string): Promise<void>;
  client(options?: ClientOptions): TestClient;
  /** Registers a user; the client sends its access token. */
  user(input?: Record<string, unknown>): Promise<SeededUser>;
}

/** Cheap hashes and high limits. Tests of limits set their own. */
const DEFAULTS = {
  NODE_ENV: 'test',
  AUTH_SECRET: 'a test secret of more than thirty-two bytes',
  DATA_DIR: 'memory://',
  PUBLIC_URL: 'http://auth.test',
  LOG_LEVEL: 'info',
};
/** Settings that production refuses. */
const CHEAP_HASHES = { ARGON2_MEMORY_KIB: '64', ARGON2_TIME_COST: '1' };

/** The Redis prefix of a database: apps on one database are instances of one deployment. */
const prefixes = new WeakMap<Executor, string>();
function redisOf({ executor }: Database): Record<string, string> {
  if (!onRedis) return {};
  const prefix = prefixes.get(executor) ?? `latchkey-test:${randomUUID()}:`;
  prefixes.set(executor, prefix);
  return { REDIS_URL, REDIS_PREFIX: prefix };
}

/** The part of tap's `t` that helpers use. */
export interface TestScope {
  teardown(work: () => unknown): void;
}

/**
 * Starts the app for a test file or a single test.
 * @param env overrides the default environment variables
 * @param db an open database to share; default: a new one
 * @param otherClock replaces the clock that the test moves
 * @param strategies further authentication strategies
 * @param identities replaces the identity providers of the configuration
 */
export async function startTestApp(
  t: TestScope,
  env: Record<string, string> = {},
  db?: Database,
  otherClock?: Clock,
  strategies: readonly Strategy[] = [],
  identities?: IdentitySettings,
): Promise<TestApp> {
  const logs: Record<string, unknown>[] = [];
  // The app closes only a database of its own.
  const database = db ? { ...db, close: async () => undefined } : await openTestDatabase(t);
  const hashes = env['NODE_ENV'] === 'production' ? {} : CHEAP_HASHES;
  const config = loadConfig({ ...DEFAULTS, ...hashes, ...redisOf(database), ...env });
  const clock = testClock();
  const logStream = { write: (line: string) => void logs.push(JSON.parse(line) as Record<string, unknown>) };
  const mails: Mail[] = [];
  const mailTransport = { send: async (mail: Mail) => void mails.push(mail), close: () => undefined };
  const { server, metricsServer, events, jobs } = await buildApp(config, {
    db: database,
    secrets: config.authSecrets,
    clock: otherClock ?? clock,
    logStream,
    mailTransport,
    strategies,
    ...(identities ? { identities } : {}),
  });
  t.teardown(() => server.close());
  await server.ready();
  await connection(events, true);
  const runJob = async (name: string) => void (await jobs.find((each) => each.name === name)!.run());
  const client = (options?: ClientOptions) => testClient(server, options);
  return {
    server,
    metricsServer,
    db: database,
    events,
    clock,
    config,
    logs,
    async mailTo(address) {
      await runJob('send mail');
      return mails.filter(({ to }) => to === address);
    },
    runJob,
    client,
    user: (input) => registerUser(client(), input),
  };
}
