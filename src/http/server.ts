/** The bare HTTP server: everything that holds for each request, whatever is registered on it. */
import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import type { Config } from '../config.js';
import { drainPlugin } from './drain.js';
import { refuseConnection, sendFault, sendNotFound } from './errors.js';
import { loggerOptions, RequestLog, requestLogPlugin, type LogStream } from './logging.js';
import { pathPrefix, withoutPrefix } from './path-prefix.js';
import { createRequestIds } from './request-id.js';
import { tellEveryEnd } from './response-ends.js';
import { securityHeaders } from './security-headers.js';
import { createTrust } from './trusted-networks.js';

/** Headers within 10 s and the whole request within 15 s, so that slow senders cannot hold connections (slowloris). */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** How often Node looks for those; its default of 30 s would triple them. */
const TIMEOUT_CHECK_MS = 2_000;
/** Silence on a connection while a request is on it; longer than any deadline within. */
const CONNECTION_TIMEOUT_MS = 60_000;
/** Longer than the 60 s after which common load balancers drop idle connections, so that it is they who do it. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const MAX_HEADER_BYTES = 16_384;

export interface ServerOverrides {
  /** Where log lines go; default standard output. */
  readonly logStream?: LogStream;
}

/** Creates the server; parts are registered on it by the app. */
export function createServer(config: Config, { logStream }: ServerOverrides = {}): FastifyInstance {
  const headers = securityHeaders(config);
  const prefix = pathPrefix(config.publicUrl);
  const trusts = createTrust(config.trustProxy);
  const app: FastifyInstance = fastify({
    logger: loggerOptions(config.logLevel, logStream),
    logController: new RequestLog(),
    genReqId: createRequestIds(trusts),
    // Not a number or true, which trust nobody or anybody; not the list either, which knows no address with a port.
    trustProxy: config.trustProxy.length > 0 ? trusts : false,
    bodyLimit: config.graphql.maxBodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    rewriteUrl: ({ url }: IncomingMessage) => withoutPrefix(url ?? '/', prefix),
    // What still arrives on an open connection is served, and told to come again on another.
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
    // Faults before routing; no hook runs for them.
    frameworkErrors: (error, request, reply) => {
      void reply.headers(headers).header('x-request-id', request.id);
      sendFault(error, request, reply);
    },
  });
  // Node would forget those past the thousandth, what frames the body among them; their bytes are bounded above.
  app.server.maxHeadersCount = 0;
  tellEveryEnd(app.server);
  app.setErrorHandler(sendFault);
  app.setNotFoundHandler(sendNotFound);
  void app.register(requestLogPlugin);
  void app.register(drainPlugin);
  return app;
}
