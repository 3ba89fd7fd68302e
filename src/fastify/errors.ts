/** Error responses of plain HTTP. Every response has a documented error code. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, serviceUnavailable } from '../lib/errors.js';
import { isAborted } from './logging.js';
import { errorBody } from './raw-response.js';
import { translateError } from './translate-error.js';

/** Messages by code of Fastify's error; other errors get `MALFORMED`. */
const MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content type is not supported.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
};

const MALFORMED = 'The request is malformed.';

/**
 * Translates any error to an AppError, errors of Fastify and its plugins by their status.
 * @param requestId the `requestId` of INTERNAL_ERROR
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
 * Sends an error response and records the error for the log. A request aborted by its client is not logged as a failure.
 * @param status HTTP status; by default that of the error code
 */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, status?: number): void {
  const error = toAppError(thrown, request.id);
  request.errorCode = error.code;
  if (error.status >= 500 && !isAborted(request.raw)) request.failure = error;
  if (error.details.retryAfter !== undefined) void reply.header('retry-after', error.details.retryAfter);
  void reply.code(status ?? error.status).send(errorBody(error));
}

/** Sends the response for a request without a route. */
export function sendNotFound(request: FastifyRequest, reply: FastifyReply): void {
  sendError(notFound(), request, reply);
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no such route.');
}

function statusOf(thrown: unknown): { statusCode: number; code: string } {
  const { statusCode, code } = (thrown instanceof Error ? thrown : {}) as { statusCode?: unknown; code?: unknown };
  return { statusCode: typeof statusCode === 'number' ? statusCode : 500, code: typeof code === 'string' ? code : '' };
}
