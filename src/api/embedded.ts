/**
 * Embeds the API in another server. It runs on a separate Fastify instance that never listens, so it cannot conflict with the
 * plugins, hooks, decorators or parsers of the application, which passes raw requests to it.
 */
import { randomUUID } from 'node:crypto';
import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import type { FastifyBaseLogger } from 'fastify';
import type { AccountPrincipal } from '../authn/strategy.js';
import { assertEnrolled } from '../authz/decisions.js';
import { createScopeCatalogue } from '../authz/scopes.js';
import { loadConfig, loadSettings, type Config, type Settings } from '../config/config.js';
import { toAppError } from '../fastify/errors.js';
import { forwardedLog } from '../fastify/forwarded-log.js';
import { createInstance } from '../fastify/instance.js';
import { createTrustedNetworks, forwardedClientAddress } from '../fastify/trusted-networks.js';
import { claimUpgrades } from '../fastify/shared-upgrades.js';
import type { SchemaExtension } from '../graphql/extension.js';
import { createExecutableSchema } from '../graphql/schema.js';
import { AppError } from '../lib/errors.js';
import { openParts, type Parts } from './parts.js';
import { apiRoutes } from './routes.js';
import { openStore, type Store } from './store.js';

export interface LatchkeyOptions extends SchemaExtension {
  /**
   * Settings by the names of their environment variables, such as `{ DATABASE_URL, PUBLIC_URL }`. Default: the environment. Names
   * that are no setting are refused.
   */
  readonly config?: Settings | undefined;
  /** Path prefix of all routes, such as `/auth`. */
  readonly prefix?: string;
  /** Receives log lines, already redacted. Default: standard output. */
  readonly log?: FastifyBaseLogger | undefined;
}

/** A route, with its path without the prefix. */
export interface Route {
  readonly method: string;
  readonly url: string;
}

export interface AuthenticateOptions {
  /** Reads the session again instead of returning the request's earlier result. Default: false. */
  readonly fresh?: boolean;
}

/** A request of Node or Fastify. Without its socket, API keys that are limited to networks are refused. */
export type AuthenticatedRequest = Pick<IncomingMessage, 'headers'> & {
  readonly socket?: Pick<IncomingMessage['socket'], 'remoteAddress'>;
};

export interface Latchkey {
  /** The routes that `handle` serves. */
  readonly routes: readonly Route[];
  /** All scopes of this deployment. */
  readonly scopes: ReadonlySet<string>;
  /**
   * Authenticates a request by its headers. Later calls with the same request return the same result, unless they ask for a
   * fresh one: `{ fresh: true }` reads the session again. A handler that keeps a request open needs that to notice its end.
   * @throws AppError MISSING_TOKEN, TOKEN_EXPIRED, INVALID_TOKEN, INVALID_API_KEY, USER_NOT_FOUND, ACCOUNT_DISABLED,
   * SECOND_FACTOR_ENROLLMENT_REQUIRED, SERVICE_UNAVAILABLE
   */
  authenticate(request: AuthenticatedRequest, options?: AuthenticateOptions): Promise<AccountPrincipal>;
  /** Serves a request whose body has not been read. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Serves WebSockets on a server. The server's other listeners get the handshakes for other paths. */
  serveWebSockets(server: Server): void;
  /** Starts the jobs, such as sending mail. */
  start(): void;
  /** Closes all WebSockets, which would otherwise keep the server from closing. */
  drain(): void;
  /** Finishes requests in flight and closes everything. */
  close(): Promise<void>;
}

/** The application and Latchkey both listen for the end of a response. Node warns of a leak above 10 listeners. */
const MAX_RESPONSE_LISTENERS = 40;

/** A path that is the same to the router and to the WebSockets, which are found by comparing it. */
const PREFIX = /^(?:\/[\w.~-]+)*$/;

/** Opens the API without starting its jobs. @throws ConfigError, or Error for an invalid schema extension */
export async function openLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  if (!PREFIX.test(options.prefix ?? ''))
    throw new Error(
      `prefix: expected a path such as /auth, without parameters and a final slash, not ${options.prefix}`,
    );
  const config = options.config ? loadSettings(options.config) : loadConfig();
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
  warnOfPublicUrl(config, parts, prefix);
  const routes: Route[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const path = url.slice(prefix.length);
    for (const each of [method].flat()) if (!path.includes('*')) routes.push({ method: each, url: path });
  });
  const upgrades = new Server();
  const none = () => undefined;
  const uncounted = { countLogin: none, countTokenRequest: none, countClientFailure: none };
  await app.register(apiRoutes, { prefix, parts, schema, upgrades, ...uncounted });
  await app.ready();
  // The CORS plugin serves OPTIONS with a wildcard route. The endpoints of OAuth have CORS of their own.
  const preflighted = new Set(routes.filter(({ method }) => method === 'OPTIONS').map(({ url }) => url));
  for (const url of new Set(routes.map((route) => route.url)))
    if (!preflighted.has(url)) routes.push({ method: 'OPTIONS', url });

  const { authenticator } = parts.services;
  const isTrusted = createTrustedNetworks(config.trustProxy);
  const principals = new WeakMap<object, Promise<AccountPrincipal>>();
  const releases: (() => void)[] = [];
  return {
    routes,
    scopes: parts.services.scopes.all,
    authenticate(request, { fresh = false } = {}) {
      const known = principals.get(request);
      if (known && !fresh) return known;
      const principal = authenticator
        .authenticate(authenticator.fromHeaders(request.headers), forwardedClientAddress(request, isTrusted))
        .then((found) => {
          assertEnrolled(found);
          return found;
        })
        .catch((error: unknown) => {
          throw withoutCause(error, app.log);
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

/** Removes the cause of an error for the application and logs it, redacted, because it may quote a statement. */
function withoutCause(thrown: unknown, log: FastifyBaseLogger): AppError {
  const requestId = randomUUID();
  const { code, message, details, status, cause } = toAppError(thrown, requestId);
  if (status >= 500) log.error({ err: cause ?? thrown, requestId }, 'Authentication failed');
  return new AppError(code, message, details);
}

/** Warns if PUBLIC_URL does not match the routes, because links, the issuer and cookies depend on it. */
function warnOfPublicUrl({ publicUrl: configured }: Config, { publicUrl, log }: Parts, prefix: string): void {
  if (configured === undefined) log.warn(`PUBLIC_URL is not set: links and tokens name ${publicUrl}`);
  else if (!new URL(publicUrl).pathname.replace(/\/$/, '').endsWith(prefix))
    log.warn(`PUBLIC_URL is ${publicUrl}, but the routes are below ${prefix}`);
}

/**
 * Opens the API and starts its jobs, for servers without Fastify: pass requests to `handle`, and call `close` at the end.
 * @throws ConfigError, or Error for an invalid schema extension
 */
export async function createLatchkey(options: LatchkeyOptions = {}): Promise<Latchkey> {
  const latchkey = await openLatchkey(options);
  latchkey.start();
  return latchkey;
}
