/**
 * Logging with pino through Fastify: one line per request when it ends, every line with its request's id, and secrets
 * redacted.
 */
import type { IncomingMessage } from 'node:http';
import { LogController, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from './client.js';
import { subjectFields, type SubjectRef } from '../authz/principal.js';
import type { AppError, ErrorCode } from '../lib/errors.js';
import {
  createFieldRedaction,
  reasonFor,
  redactText,
  serializeError,
  type FieldRedaction,
  type LogFields,
} from './redaction.js';

/** The GraphQL operation of a request. The client chooses the name, so it is sanitized and truncated for the log. */
export interface Operation {
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly name: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** For the log; set by the GraphQL route. */
    operation: Operation | null;
    /** For the log: the code of the first error. */
    errorCode: ErrorCode | null;
    /** For the log: the subject of the request, or of its access token if only the signature was verified. */
    loggedSubject: SubjectRef | null;
    /** For the log, never sent: the server error that failed the request. */
    failure: AppError | undefined;
  }
}

/** A destination for log lines. */
export interface LogStream {
  write(line: string): void;
}

type LoggerOptions = Exclude<FastifyServerOptions['logger'], boolean | undefined>;

const MAX_OPERATION_NAME = 64;
const MAX_PATH = 200;
/** nginx's status for "client closed request"; there is no registered one. */
const CLIENT_CLOSED_REQUEST = 499;
const SWITCHING_PROTOCOLS = 101;

/** Options of Fastify's logger. */
export function loggerOptions(
  level: string,
  stream: LogStream = process.stdout,
  redaction: FieldRedaction = createFieldRedaction(),
): LoggerOptions {
  return {
    level,
    stream,
    serializers: {
      err: serializeError,
      req: (request) => ({ method: request.method, url: loggedUrl(request) }),
      res: (reply) => ({ statusCode: reply.statusCode }),
    },
    // pino's `redact` with this many names costs more than the rest of the logging together.
    formatters: { log: redaction.redact },
    hooks: {
      logMethod(args, method) {
        Reflect.apply(method, this, redactArguments(args));
      },
    },
  };
}

/** Redacts the arguments of a log call. Adds a message where pino would copy the unredacted one of the error. */
function redactArguments(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args.map((part) => (typeof part === 'string' ? redactText(part) : part));
  if (first instanceof Error) return redactArguments([{ err: first }, ...rest]);
  const lacksMessage = rest.length === 0 && typeof first === 'object' && first !== null && 'err' in first;
  return lacksMessage ? [first, 'failure'] : [first, ...rest];
}

/** Replaces Fastify's two lines per request by one, also for aborted requests and requests without a route. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(request: FastifyRequest, reply: FastifyReply): void {
    // Read now, because a closed socket has no address.
    const ip = clientOf(request).ipAddress;
    reply.raw.on('close', () => {
      logRequest(request, reply, ip);
    });
  }

  /** Fastify does not call this for aborted requests, so `incomingRequest` logs all requests. */
  override requestCompleted(): void {}
}

function logRequest(request: FastifyRequest, reply: FastifyReply, ip: string): void {
  const { operation, errorCode, loggedSubject, failure } = request;
  const line: LogFields = {
    method: request.method,
    url: loggedUrl(request),
    status: finalStatus(reply),
    durationMs: Math.round(reply.elapsedTime * 10) / 10,
    ip,
    ...subjectFields(loggedSubject),
  };
  if (operation) line['operation'] = loggedOperation(operation);
  if (errorCode) line['code'] = errorCode;
  if (failure === undefined) request.log.info(line, 'request');
  // An overload or outage fails every request, so these lines carry no stack.
  else if (failure.code === 'SERVICE_UNAVAILABLE') request.log.warn({ ...line, reason: reasonFor(failure) }, 'request');
  else request.log.error({ ...line, err: failure.cause ?? failure }, 'request');
}

/** The status for logs and metrics: that of the response, 101 for a WebSocket, 499 if the client closed the request. */
export function finalStatus(reply: FastifyReply): number {
  const { statusCode, writableEnded } = reply.raw;
  if (isAborted(reply.request.raw)) return CLIENT_CLOSED_REQUEST;
  if (writableEnded) return statusCode;
  const hijacked = reply.sent;
  if (!hijacked) return CLIENT_CLOSED_REQUEST;
  return statusCode >= 400 ? statusCode : SWITCHING_PROTOCOLS;
}

/** Whether the connection closed before the whole request arrived. */
export function isAborted({ destroyed, complete }: IncomingMessage): boolean {
  return destroyed && !complete;
}

/** The route pattern, or the path if no route matches. Never the query string, which contains the document of `GET /graphql`. */
function loggedUrl(request: FastifyRequest): string {
  return request.routeOptions.url ?? redactText(request.url.replace(/[?#][^]*/, '')).slice(0, MAX_PATH);
}

function loggedOperation({ type, name }: Operation): Operation {
  return { type, name: name === null ? null : name.replace(/\W/g, '').slice(0, MAX_OPERATION_NAME) };
}

/** Adds the fields that the log reads from requests, and sets the `x-request-id` header. */
export const requestLogPlugin = fp(
  (app, _options, done) => {
    app.decorateRequest('client', null);
    app.decorateRequest('operation', null);
    app.decorateRequest('errorCode', null);
    app.decorateRequest('loggedSubject', null);
    app.decorateRequest('failure', undefined);
    app.addHook('onRequest', (request, reply, next) => {
      void reply.header('x-request-id', request.id);
      next();
    });
    done();
  },
  { name: 'request-log', fastify: '5.x' },
);
