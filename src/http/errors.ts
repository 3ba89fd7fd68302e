/** The translator at the edge of plain HTTP: whatever goes wrong leaves as a code of the contract and nothing else. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { outage } from '../db/errors.js';
import { AppError, serviceUnavailable } from '../errors.js';

/** What may be said of Fastify's refusals; of the rest it is said that the request is malformed. */
const MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content type is not supported.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
};

const MALFORMED = 'The request is malformed.';

/** Refusals of Node's HTTP parser, by its code (RFC 9110, 15.5.9; RFC 6585, 5). */
const PARSER_FAULTS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large.'],
};

/**
 * Makes an AppError of whatever was thrown. An unknown error becomes INTERNAL_ERROR, its text only its cause.
 * @param requestId what INTERNAL_ERROR tells, to find the log line by
 */
export function toAppError(thrown: unknown, requestId: string): AppError {
  if (thrown instanceof AppError && thrown.code !== 'INTERNAL_ERROR') return thrown;
  const away = outage(thrown);
  if (away) return away;
  const { statusCode, code } = statusOf(thrown);
  if (statusCode === 404) return notFound();
  if (statusCode === 429)
    return new AppError('RATE_LIMIT_EXCEEDED', 'Too many requests; try again later.', { retryAfter: 1 });
  if (statusCode === 503) return serviceUnavailable('The service is not available; try again later.', 1, thrown);
  if (statusCode >= 400 && statusCode < 500) return new AppError('QUERY_REJECTED', MESSAGES[code] ?? MALFORMED);
  return new AppError('INTERNAL_ERROR', 'Internal error.', { requestId }, thrown);
}

/** Answers with what was thrown, with its code's status, and leaves with the request what the log needs. */
export function sendFault(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const fault = toAppError(thrown, request.id);
  request.errorCode = fault.code;
  if (fault.status >= 500) request.failure = fault;
  if (fault.details.retryAfter !== undefined) void reply.header('retry-after', fault.details.retryAfter);
  void reply.code(fault.status).send(faultBody(fault));
}

/** Answers where there is no route. */
export function sendNotFound(request: FastifyRequest, reply: FastifyReply): void {
  sendFault(notFound(), request, reply);
}

/**
 * Answers what is not HTTP, or arrives too slowly. There is no request to log, and the error holds the raw bytes.
 */
export function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (socket.writable && error.code !== 'ECONNRESET') {
    const [status, message] = PARSER_FAULTS[error.code ?? ''] ?? [400, MALFORMED];
    const body = JSON.stringify(faultBody(new AppError('QUERY_REJECTED', message)));
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy();
}

function faultBody(fault: AppError): object {
  return { errors: [{ message: fault.message, extensions: fault.extensions }] };
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is nothing here.');
}

function statusOf(thrown: unknown): { statusCode: number; code: string } {
  const { statusCode, code } = (thrown instanceof Error ? thrown : {}) as { statusCode?: unknown; code?: unknown };
  return { statusCode: typeof statusCode === 'number' ? statusCode : 500, code: typeof code === 'string' ? code : '' };
}
