/**
 * An API for another server. It lives in a Fastify instance of its own that never listens, so nothing of it can meet the
 * plugins, hooks, decorators or parsers of an application; requests are handed over whole.
 */
import { randomUUID } from 'node:crypto';
import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import type { FastifyBaseLogger } from 'fastify';
import type { AccountPrincipal } from '../authn/strategy.js';
import { createScopeCatalogue } from '../authz/scopes.js';
import { loadConfig, type Config } from '../config/config.js';
import { toAppError } from '../fastify/errors.js';
import { forwardedLog } from '../fastify/forwarded-log.js';
import { createInstance } from '../fastify/instance.js';
import { claimUpgrades } from '../fastify/shared-upgrades.js';
import type { SchemaExtension } from '../graphql/extension.js';
import { createExecutableSchema } from '../graphql/schema.js';
import { AppError } from '../lib/errors.js';
import { openParts, type Parts } from './parts.js';
import { apiRoutes } from './routes.js';
import { openStore, type Store } from './store.js';

export interface LatchkeyOptions extends SchemaExtension {
  /** Settings by the names of the environment table, such as `{ DATABASE_URL, PUBLIC_URL }`. Default: the environment. */
  readonly config?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Path below which everything is served, such as `/auth`. */
  readonly prefix?: string;
  /** Where log lines go, already redacted. Default: standard output. */
  readonly log?: FastifyBaseLogger | undefined;
}

/** A route, with its path below the prefix. */
export interface Route {
  readonly method: string;
  readonly url: string;
}

export interface Latchkey {
  /** What `handle` answers. */
  readonly routes: readonly Route[];
  /** Scopes of this deployment. */
  readonly scopes: ReadonlySet<string>;
  /**
   * Authenticates a request by its headers: once, however often it is called with the same request.
   * @throws AppError MISSING_TOKEN, TOKEN_EXPIRED, INVALID_TOKEN, USER_NOT_FOUND, ACCOUNT_DISABLED, SERVICE_UNAVAILABLE
   */
  authenticate(request: Pick<IncomingMessage, 'headers'>): Promise<AccountPrincipal>;
  /** Answers a request whose body has not been read. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Serves WebSockets on a server. Handshakes for other paths are left to the server's own listeners. */
  serveWebSockets(server: Server): void;
  /** Starts the jobs, such as sending mail. */
  start(): void;
  /** Closes the WebSockets, which would keep a server from closing. */
  drain(): void;
  /** Finishes what is in flight, and closes everything. */
  close(): Promise<void>;
}

/** The application, Latchkey and their parts each wait for a response's end; from 11 on Node warns of a leak. */
const MAX_RESPONSE_LISTENERS = 40;

/** Settings as an environment has them. */
function asTexts(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/** Opens the API; the jobs are not started yet. @throws ConfigError, and Error for a schema that is refused */
export async function openLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  const config = loadConfig(options.config && asTexts(options.config));
  const knownScopes = createScopeCatalogue(config.scopes).all;
  const schema = createExecutableSchema({ ...options, knownScopes, rates: config.rateLimits.fields });
  const store = await openStore(config);
  try {
    return await assemble(config, store, schema, options);
  } catch (error) {
    await store.db.close();
    throw error;
  }
}

async function assemble(
  config: Config,
  { db, secrets, clock }: Store,
  schema: ReturnType<typeof createExecutableSchema>,
  { prefix = '', log }: LatchkeyOptions,
): Promise<Latchkey> {
  const app = createInstance(config, log && forwardedLog(log));
  const parts = await openParts(config, { db, secrets, clock, log: app.log, path: prefix });
  app.addHook('onClose', async () => {
    await parts.close();
    await db.close();
  });
  warnOfAddress(config, parts, prefix);
  const routes: Route[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const path = url.slice(prefix.length);
    for (const each of [method].flat()) if (!path.includes('*')) routes.push({ method: each, url: path });
  });
  const upgrades = new Server();
  await app.register(apiRoutes, { prefix, parts, schema, upgrades, countLogin: () => undefined });
  await app.ready();
  // What the wildcard of CORS answers.
  for (const url of new Set(routes.map((route) => route.url))) routes.push({ method: 'OPTIONS', url });

  const { authenticator } = parts.services;
  const principals = new WeakMap<object, Promise<AccountPrincipal>>();
  const releases: (() => void)[] = [];
  return {
    routes,
    scopes: parts.services.scopes.all,
    authenticate(request) {
      const known = principals.get(request);
      if (known) return known;
      const principal = authenticator
        .authenticate(authenticator.fromHeaders(request.headers))
        .catch((error: unknown) => {
          throw published(error, app.log);
        });
      principals.set(request, principal);
      return principal;
    },
    handle(request, response) {
      response.setMaxListeners(MAX_RESPONSE_LISTENERS);
      app.routing(request, response);
    },
    serveWebSockets: (server) => void releases.push(claimUpgrades(server, `${prefix}/graphql`, upgrades)),
    start: parts.startJobs,
    drain: parts.sockets.drain,
    async close() {
      for (const release of releases) release();
      await app.close();
    },
  };
}

/** What an application may see and log: a failure's cause, which may quote a statement, goes to our own log. */
function published(thrown: unknown, log: FastifyBaseLogger): AppError {
  const requestId = randomUUID();
  const { code, message, details, status, cause } = toAppError(thrown, requestId);
  if (status >= 500) log.error({ err: cause ?? thrown, requestId }, 'Authentication failed');
  return new AppError(code, message, details);
}

/** Links, the issuer and cookies follow PUBLIC_URL, which an application's own address says nothing about. */
function warnOfAddress({ publicUrl: configured }: Config, { publicUrl, log }: Parts, prefix: string): void {
  if (configured === undefined) log.warn(`PUBLIC_URL is not set: links and tokens name ${publicUrl}`);
  else if (!new URL(publicUrl).pathname.replace(/\/$/, '').endsWith(prefix))
    log.warn(`PUBLIC_URL is ${publicUrl}, but the routes are below ${prefix}`);
}

/**
 * Opens the API and starts its jobs, for servers without Fastify: pass requests to `handle`, and close it at the end.
 * @throws ConfigError, and Error for a schema that is refused
 */
export async function createLatchkey(options: LatchkeyOptions = {}): Promise<Latchkey> {
  const latchkey = await openLatchkey(options);
  latchkey.start();
  return latchkey;
}
