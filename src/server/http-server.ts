/** The HTTP server without routes: timeouts, limits, upgrades and refusals. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/config.js';
import { drainPlugin } from './drain.js';
import { oneHostPlugin } from '../fastify/host.js';
import { createInstance } from '../fastify/instance.js';
import type { LogStream } from '../fastify/logging.js';
import { pathPrefix, withoutPrefix } from '../fastify/path-prefix.js';
import { refusedConnections, type RefusedConnections } from '../fastify/refused-connections.js';
import { emitEveryClose } from '../fastify/response-close.js';
import { securityHeaders } from '../fastify/security-headers.js';
import { isWebSocketHandshake } from '../fastify/upgrades.js';

/** Headers within 10 s and the whole request within 15 s, so that slow clients cannot hold connections (Slowloris). */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** How often Node enforces those timeouts. Its default of 30 s would triple them. */
const TIMEOUT_CHECK_MS = 2_000;
/** Node closes a silent connection without a response. The handler timeout is shorter, so this affects clients that do not read. */
const CONNECTION_TIMEOUT_MS = 60_000;
/** Time for arriving requests at shutdown: a share of SHUTDOWN_TIMEOUT, at most GRACE_MS; then the share for handlers. */
const GRACE_MS = 1000;
const GRACE_SHARE = 0.25;
const RESPONSE_SHARE = 0.75;
/** Longer than the idle timeout of common load balancers (60 s), so that they close idle connections first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const MAX_HEADER_BYTES = 16_384;

declare module 'fastify' {
  interface FastifyInstance {
    /** Refuses input that never reaches routing. */
    readonly connections: RefusedConnections;
  }
}

export interface ServerOverrides {
  /** Destination of log lines; default standard output. */
  readonly logStream?: LogStream;
}

/** Creates the server. `buildApp` registers the routes. */
export function createServer(config: Config, { logStream }: ServerOverrides = {}): FastifyInstance {
  const headers = securityHeaders(config);
  const prefix = pathPrefix(config.publicUrl);
  const app = createInstance(config, logStream, {
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // `oneHostPlugin` checks it and answers with our headers and body.
      requireHostHeader: false,
      // From Node 22.21 and 24.9 on, and missing in its types; see `upgrades.ts`.
      ...{
        shouldUpgradeCallback: (request: IncomingMessage) =>
          isWebSocketHandshake(request) && !connections.isAnswering(request.socket),
      },
    },
    rewriteUrl: ({ url }: IncomingMessage) => withoutPrefix(url ?? '/', prefix),
    // Requests on open connections are served during shutdown, with `Connection: close`.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => connections.refuseUnparsed(error, socket),
  });
  // Above a limit Node drops headers, including Content-Length and Transfer-Encoding. `maxHeaderSize` limits them instead.
  app.server.maxHeadersCount = 0;
  emitEveryClose(app.server);
  const connections: RefusedConnections = refusedConnections(app.server, { headers, log: app.log });
  app.decorate('connections', connections);
  void app.register(drainPlugin, {
    graceMs: Math.min(GRACE_MS, config.shutdownTimeoutMs * GRACE_SHARE),
    responseTimeoutMs: config.shutdownTimeoutMs * RESPONSE_SHARE,
  });
  void app.register(oneHostPlugin);
  return app;
}
