/** A Fastify instance of our own, with what holds for every request of the API: log, headers, errors and deadline. */
import fastify, { type FastifyHttpOptions, type FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import type { Config } from '../config/config.js';
import { sendError, sendNotFound } from './errors.js';
import { handlerTimeoutPlugin } from './handler-timeout.js';
import { loggerOptions, RequestLog, requestLogPlugin, type LogStream } from './logging.js';
import { createRequestIds } from './request-id.js';
import { securityHeaders, securityHeadersPlugin } from './security-headers.js';
import { createTrust } from './trusted-networks.js';

/** How long a request may wait for its answer before it gets 503; longer than any deadline within. */
const HANDLER_TIMEOUT_MS = 30_000;

/** Creates the instance. @param options what a server that listens needs besides */
export function createInstance(
  config: Config,
  logStream: LogStream | undefined,
  options: FastifyHttpOptions<Server> = {},
): FastifyInstance {
  const headers = securityHeaders(config);
  const trusts = createTrust(config.trustProxy);
  const app: FastifyInstance = fastify({
    ...options,
    logger: loggerOptions(config.logLevel, logStream),
    logController: new RequestLog(),
    genReqId: createRequestIds(config.trustRequestId ? trusts : () => false),
    // Not a number or true, which trust nobody or anybody; not the list either, which knows no address with a port.
    trustProxy: config.trustProxy.length > 0 ? trusts : false,
    bodyLimit: config.graphql.maxBodyBytes,
    // Errors before routing; no hook runs for them.
    frameworkErrors: (error, request, reply) => {
      void reply.headers(headers).header('x-request-id', request.id);
      sendError(error, request, reply);
    },
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler(sendNotFound);
  void app.register(requestLogPlugin);
  void app.register(securityHeadersPlugin, { config });
  void app.register(handlerTimeoutPlugin, { timeoutMs: HANDLER_TIMEOUT_MS });
  return app;
}
