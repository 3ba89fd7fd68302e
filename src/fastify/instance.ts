/** The Fastify instance behind every route of the API: logging, security headers, error responses and the handler timeout. */
import fastify, { type FastifyHttpOptions, type FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import type { Config } from '../config/config.js';
import { sendError, sendNotFound } from './errors.js';
import { handlerTimeoutPlugin } from './handler-timeout.js';
import { loggerOptions, RequestLog, requestLogPlugin, type LogStream } from './logging.js';
import { openRepliesPlugin } from './open-replies.js';
import { createFieldRedaction } from './redaction.js';
import { createRequestIds } from './request-id.js';
import { securityHeaders, securityHeadersPlugin } from './security-headers.js';
import { createTrustedNetworks } from './trusted-networks.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Redacts log fields with these names, such as those of headers that carry credentials. */
    redactNames(names: readonly string[]): void;
  }
}

/** Longer than every timeout of the work inside a handler. */
const HANDLER_TIMEOUT_MS = 30_000;

/** Creates the instance. @param options further options, for a server that listens */
export function createInstance(
  config: Config,
  logStream: LogStream | undefined,
  options: FastifyHttpOptions<Server> = {},
): FastifyInstance {
  const headers = securityHeaders(config);
  const isTrusted = createTrustedNetworks(config.trustProxy);
  const redaction = createFieldRedaction();
  const app: FastifyInstance = fastify({
    ...options,
    logger: loggerOptions(config.logLevel, logStream, redaction),
    logController: new RequestLog(),
    genReqId: createRequestIds(config.trustRequestId ? isTrusted : () => false),
    // A function, because the list of addresses does not match addresses with a port, which some proxies write.
    trustProxy: config.trustProxy.length > 0 ? isTrusted : false,
    bodyLimit: config.graphql.maxBodyBytes,
    // No hook runs for errors before routing.
    frameworkErrors: (error, request, reply) => {
      void reply.headers(headers).header('x-request-id', request.id);
      sendError(error, request, reply);
    },
  });
  app.decorate('redactNames', redaction.add);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler(sendNotFound);
  void app.register(openRepliesPlugin);
  void app.register(requestLogPlugin);
  void app.register(securityHeadersPlugin, { config });
  void app.register(handlerTimeoutPlugin, { timeoutMs: HANDLER_TIMEOUT_MS });
  return app;
}
