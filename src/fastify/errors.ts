/** Errors of plain HTTP: every error is answered with a code of the contract. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, serviceUnavailable } from '../lib/errors.js';
import { isAborted } from './logging.js';
import { errorBody } from './raw-answer.js';
import { translateError } from './translate-error.js';

/** Messages for Fastify's errors; the others get `MALFORMED`. */
const MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content type is not supported.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
};

const MALFORMED = 'The request is malformed.';

/**
 * Translates any error, including those of Fastify by their status.
 * @param requestId as of `translateError`
 */
export function toAppError(thrown: unknown, requestId: string): AppError {
  const translated = translateError(thrown, requestId);
  if (translated.code !== 'INTERNAL_ERROR') return translated;
  const { statusCode, code } = statusOf(thrown);
  if (statusCode === 404) return notFound();
  if (statusCode === 429)
    return new AppError('RATE_LIMIT_EXCEEDED', 'Too many requests; try again later.', { retryAfter: 1 });
  if (statusCode === 503) return serviceUnavailable('The service is not available; try again later.', 1, thrown);
  if (statusCode >= 400 && statusCode < 500) return new AppError('QUERY_REJECTED', MESSAGES[code] ?? MALFORMED);
  return translated;
}

/**
 * Answers with an error, and records it for the log. A request aborted by its client is not logged as a failure.
 * @param status HTTP status; by default that of the error code
 */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, status?: number): void {
  const fault = toAppError(thrown, request.id);
  request.errorCode = fault.code;
  if (fault.status >= 500 && !isAborted(request.raw)) request.failure = fault;
  if (fault.details.retryAfter !== undefined) void reply.header('retry-after', fault.details.retryAfter);
  void reply.code(status ?? fault.status).send(errorBody(fault));
}

/** Answers a request without a route. */
export function sendNotFound(request: FastifyRequest, reply: FastifyReply): void {
  sendError(notFound(), request, reply);
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is nothing here.');
}

function statusOf(thrown: unknown): { statusCode: number; code: string } {
  const { statusCode, code } = (thrown instanceof Error ? thrown : {}) as { statusCode?: unknown; code?: unknown };
  return { statusCode: typeof statusCode === 'number' ? statusCode : 500, code: typeof code === 'string' ? code : '' };
}
