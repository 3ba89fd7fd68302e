/** Opens and closes everything behind the routes of one API: events, keys, services, WebSockets and jobs. */
import { createFirstAdministrator } from '../admin/bootstrap.js';
import type { Strategy } from '../authn/strategy.js';
import type { Config } from '../config/config.js';
import { originOf } from '../config/readers.js';
import { createPasswordHasher, type PasswordHasher } from '../crypto/password-hasher.js';
import type { Database } from '../db/database.js';
import { transportWarnings } from '../db/warnings.js';
import { openBus, type Bus } from '../events/bus.js';
import type { LogStream } from '../fastify/logging.js';
import { createSocketSessions } from '../graphql/ws/socket-sessions.js';
import type { SocketSessions } from '../graphql/ws/socket-session.js';
import { createSockets, type Sockets } from '../graphql/ws/sockets.js';
import { createJobs } from '../jobs/jobs.js';
import { startJobs, type Job } from '../jobs/scheduler.js';
import { identitySettings } from '../identities/settings.js';
import type { IdentitySettings } from '../identities/create.js';
import { createServices, type CreatedServices } from '../latchkey.js';
import { systemClock, type Clock } from '../lib/clock.js';
import { openMailTransport } from '../mail/open.js';
import type { MailTransport } from '../mail/transport.js';
import { createAccessTokens, type AccessTokens } from '../sessions/access-tokens.js';
import { createIdTokenKeys, type IdTokenKeys } from '../signing-keys/id-token-keys.js';
import { createSigningKeys, type SigningKeys } from '../signing-keys/service.js';

export interface PartsDependencies {
  /** Open and migrated. `close` does not close it. */
  readonly db: Database;
  /** The values of AUTH_SECRET; the first is current. */
  readonly secrets: readonly string[];
  readonly clock?: Clock & { synchronise?(): Promise<void> };
  /** Destination of emails that are printed in development; default standard output. */
  readonly logStream?: LogStream | undefined;
  /** Further authentication strategies, which run before that of sessions. */
  readonly strategies?: readonly Strategy[];
  /** Default: the transport of the configuration. */
  readonly mailTransport?: MailTransport;
  /** Default: those of the configuration. */
  readonly identities?: IdentitySettings;
  /** Path of the public URL if PUBLIC_URL is not set; default none. */
  readonly path?: string;
  readonly log: PartsLog;
}

export type PartsLog = Record<'info' | 'warn', (fields: object | string, message?: string) => void>;

export interface Parts {
  readonly config: Config;
  readonly log: PartsLog;
  /** PUBLIC_URL, or else a URL of HOST and PORT. */
  readonly publicUrl: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly keys: SigningKeys;
  readonly idTokenKeys: IdTokenKeys;
  readonly accessTokens: AccessTokens;
  readonly hasher: PasswordHasher;
  readonly services: CreatedServices;
  readonly sockets: Sockets;
  readonly socketSessions: SocketSessions;
  /** The periodic jobs, such as sending mail. */
  readonly jobs: readonly Job[];
  /** Starts the jobs. */
  startJobs(): void;
  /** Stops the jobs, writes buffered data and closes everything except the database. */
  close(): Promise<void>;
}

/** Opens the parts. @throws ConfigError if the first administrator cannot be created */
export async function openParts(config: Config, dependencies: PartsDependencies): Promise<Parts> {
  const { db, secrets, clock = systemClock, log } = dependencies;
  for (const warning of config.warnings) log.warn(warning);
  const bus = openBus({ db, ...config.redis, secrets, clock, log });
  try {
    return await assemble(config, dependencies, bus);
  } catch (error) {
    await bus.close();
    throw error;
  }
}

async function assemble(config: Config, dependencies: PartsDependencies, bus: Bus): Promise<Parts> {
  const { db, secrets, logStream, mailTransport, strategies = [], path = '', log } = dependencies;
  const clock: NonNullable<PartsDependencies['clock']> = dependencies.clock ?? systemClock;
  const { events } = bus;
  const publicUrl = config.publicUrl ?? `${originOf(config.host, config.port)!}${path}`;
  const { algorithm, secretKey, accessTtlMs } = config.jwt;
  const keys = await createSigningKeys({
    db,
    clock,
    secrets,
    issuer: publicUrl,
    algorithm,
    secretKey,
    accessTtlMs: Math.max(accessTtlMs, config.oauth.accessTtlMs),
  });
  const idTokenKeys = createIdTokenKeys({
    db,
    clock,
    secrets,
    issuer: publicUrl,
    algorithm: config.oauth.idTokenAlgorithm,
    accessTtlMs: config.oauth.accessTtlMs,
  });
  const accessTokens = createAccessTokens({ keys, clock, issuer: publicUrl, accessTtlMs });
  const hasher = createPasswordHasher(config.argon2);
  const services = createServices({
    config,
    db,
    clock,
    events,
    secrets,
    publicUrl,
    accessTokens,
    idTokenKeys,
    strategies,
    hasher,
    mailTransport: mailTransport ?? openMailTransport(config, log, logStream),
    identities: dependencies.identities ?? identitySettings(config, publicUrl, clock),
    log,
  });
  const { audit, passwords, authenticator, feed } = services;
  const { bootstrapAdmin } = config.accounts;
  if (bootstrapAdmin) {
    const [email, password] = bootstrapAdmin;
    await createFirstAdministrator({ db, clock, audit, hasher, passwords, email, password, log });
  }
  if (config.production) {
    const urls = { DATABASE_URL: config.databaseUrl, DATABASE_LISTEN_URL: config.databaseListenUrl };
    for (const warning of transportWarnings(urls)) log.warn(warning);
  }

  const sockets = createSockets(config.sockets);
  const socketSessions = createSocketSessions({
    ...config.sockets,
    authenticate: authenticator.authenticate,
    events,
    clock,
    log,
  });
  const synchroniseClock = clock.synchronise && (() => clock.synchronise!());
  const jobs = createJobs({ db, keys, services, ...(synchroniseClock ? { synchroniseClock } : {}) });
  let stopJobs = async (): Promise<void> => undefined;
  return {
    config,
    log,
    publicUrl,
    db,
    clock,
    bus,
    keys,
    idTokenKeys,
    accessTokens,
    hasher,
    services,
    sockets,
    socketSessions,
    jobs,
    startJobs() {
      stopJobs = startJobs(jobs, log);
    },
    async close() {
      socketSessions.close();
      feed.close();
      await stopJobs();
      await services.sender.close();
      await services.uses.flush().catch((err: unknown) => log.warn({ err }, 'Recording session use failed'));
      await bus.close();
    },
  };
}
