/** The bare HTTP server: everything that holds for each request, whatever is registered on it. */
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

/** Headers within 10 s and the whole request within 15 s, so that slow senders cannot hold connections (slowloris). */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** How often Node looks for those; its default of 30 s would triple them. */
const TIMEOUT_CHECK_MS = 2_000;
/** Silence on a connection that Node ends without an answer: only clients that do not read are left by then. */
const CONNECTION_TIMEOUT_MS = 60_000;
/** Of SHUTDOWN_TIMEOUT, how much closing waits for arriving requests (at most), and for answers. */
const GRACE_MS = 1000;
const GRACE_SHARE = 0.25;
const LAST_CALL_SHARE = 0.75;
/** Longer than the 60 s after which common load balancers drop idle connections, so that it is they who do it. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const MAX_HEADER_BYTES = 16_384;
/** Each part of the stack waits for a response's end, and a stream adds its own; from 11 on Node warns of a leak. */
const MAX_RESPONSE_LISTENERS = 20;

declare module 'fastify' {
  interface FastifyInstance {
    /** Refuses connections whose bytes cannot become a request. */
    readonly connections: RefusedConnections;
  }
}

export interface ServerOverrides {
  /** Where log lines go; default standard output. */
  readonly logStream?: LogStream;
}

/** Creates the server; parts are registered on it by the app. */
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
      // `oneHostPlugin` does it, with the headers and the body of every other answer.
      requireHostHeader: false,
      // Known to Node from 22.21 and 24.9 on, and not to its types yet; see `upgrades.ts`.
      ...{
        shouldUpgradeCallback: (request: IncomingMessage) =>
          isWebSocketHandshake(request) && !connections.isAnswering(request.socket),
      },
    },
    rewriteUrl: ({ url }: IncomingMessage) => withoutPrefix(url ?? '/', prefix),
    // Requests on open connections are served while the server closes, and told to use another connection.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => connections.refuseUnparsed(error, socket),
  });
  // Node would drop headers past the thousandth, also those that frame the body; their bytes are bounded above.
  app.server.maxHeadersCount = 0;
  emitEveryClose(app.server);
  app.server.on('request', (_request, response) => response.setMaxListeners(MAX_RESPONSE_LISTENERS));
  const connections: RefusedConnections = refusedConnections(app.server, { headers, log: app.log });
  app.decorate('connections', connections);
  void app.register(drainPlugin, {
    graceMs: Math.min(GRACE_MS, config.shutdownTimeoutMs * GRACE_SHARE),
    lastCallMs: config.shutdownTimeoutMs * LAST_CALL_SHARE,
  });
  void app.register(oneHostPlugin);
  return app;
}
