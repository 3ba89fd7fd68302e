/**
 * Logging: pino through Fastify, every line with its request's id, one line for each request when it is over, and no
 * secret in any of them.
 */
import type { IncomingMessage } from 'node:http';
import { LogController, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from './client.js';
import type { AppError, ErrorCode } from '../lib/errors.js';
import { reasonFor, redactFields, redactText, serializeError } from './redaction.js';

/** What a GraphQL request asked for. The name is the client's: it is bounded and cleaned when it is logged. */
export interface Operation {
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly name: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** For the log; filled by the GraphQL route once it knows. */
    operation: Operation | null;
    /** For the log: the first error's code. */
    errorCode: ErrorCode | null;
    /** For the log: the account that the request acted for, or that its access token names by its signature. */
    accountId: string | null;
    /** For the log, never sent: what went wrong when it was not the client's doing. */
    failure: AppError | undefined;
  }
}

/** Where log lines go, for tests; otherwise standard output. */
export interface LogStream {
  write(line: string): void;
}

type LoggerOptions = Exclude<FastifyServerOptions['logger'], boolean | undefined>;

const MAX_OPERATION_NAME = 64;
const MAX_PATH = 200;
/** nginx's status for "the client closed the request"; there is no registered one. */
const CLIENT_CLOSED_REQUEST = 499;
const SWITCHING_PROTOCOLS = 101;

/** Options of the logger. */
export function loggerOptions(level: string, stream: LogStream = process.stdout): LoggerOptions {
  return {
    level,
    stream,
    serializers: {
      err: serializeError,
      req: (request) => ({ method: request.method, url: loggedUrl(request) }),
      res: (reply) => ({ statusCode: reply.statusCode }),
    },
    // Not pino's own redaction: with a list this long it costs a request more than all the rest of the logging.
    formatters: { log: redactFields },
    hooks: {
      logMethod(args, method) {
        Reflect.apply(method, this, harmless(args));
      },
    },
  };
}

/** A log call's arguments; pino would take a missing message from the error, past the serializer. */
function harmless(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args.map((part) => (typeof part === 'string' ? redactText(part) : part));
  if (first instanceof Error) return harmless([{ err: first }, ...rest]);
  const failureWithoutWords = rest.length === 0 && typeof first === 'object' && first !== null && 'err' in first;
  return failureWithoutWords ? [first, 'failure'] : [first, ...rest];
}

/** Replaces Fastify's two lines a request by one, also for requests that were given up or never reached a route. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(request: FastifyRequest, reply: FastifyReply): void {
    // The socket forgets its address when the peer hangs up.
    const ip = clientOf(request).ipAddress;
    reply.raw.on('close', () => {
      logRequest(request, reply, ip);
    });
  }

  /** Fastify does not call it for requests that were given up; `incomingRequest` sees to all of them. */
  override requestCompleted(): void {}
}

function logRequest(request: FastifyRequest, reply: FastifyReply, ip: string): void {
  const { operation, errorCode, accountId, failure } = request;
  const line = {
    method: request.method,
    url: loggedUrl(request),
    status: finalStatus(reply),
    durationMs: Math.round(reply.elapsedTime * 10) / 10,
    ip,
    ...(operation ? { operation: loggedOperation(operation) } : {}),
    ...(errorCode ? { code: errorCode } : {}),
    ...(accountId ? { userId: accountId } : {}),
  };
  if (failure === undefined) request.log.info(line, 'request');
  // Expected, and as many as there are requests: under overload or in an outage a stack each would be a second one.
  else if (failure.code === 'SERVICE_UNAVAILABLE') request.log.warn({ ...line, reason: reasonFor(failure) }, 'request');
  else request.log.error({ ...line, err: failure.cause ?? failure }, 'request');
}

/** The request's outcome: the response's status, 101 for a WebSocket, 499 when the client left before the end. */
export function finalStatus(reply: FastifyReply): number {
  const { statusCode, writableEnded } = reply.raw;
  if (isAborted(reply.request.raw)) return CLIENT_CLOSED_REQUEST;
  if (writableEnded) return statusCode;
  const hijacked = reply.sent;
  if (!hijacked) return CLIENT_CLOSED_REQUEST;
  return statusCode >= 400 ? statusCode : SWITCHING_PROTOCOLS;
}

/** Whether the connection ended before the request had arrived. */
export function isAborted({ destroyed, complete }: IncomingMessage): boolean {
  return destroyed && !complete;
}

/** The route's pattern; where there is none, the path. Never the query string: of `GET /graphql` it is the document. */
function loggedUrl(request: FastifyRequest): string {
  return request.routeOptions.url ?? redactText(request.url.replace(/[?#][^]*/, '')).slice(0, MAX_PATH);
}

function loggedOperation({ type, name }: Operation): Operation {
  return { type, name: name === null ? null : name.replace(/\W/g, '').slice(0, MAX_OPERATION_NAME) };
}

/** What the log needs of requests, and their id in `x-request-id`. */
export const requestLogPlugin = fp(
  (app, _options, done) => {
    app.decorateRequest('operation', null);
    app.decorateRequest('errorCode', null);
    app.decorateRequest('accountId', null);
    app.decorateRequest('failure', undefined);
    app.addHook('onRequest', (request, reply, next) => {
      void reply.header('x-request-id', request.id);
      next();
    });
    done();
  },
  { name: 'request-log', fastify: '5.x' },
);
