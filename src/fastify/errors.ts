/** Errors of plain HTTP: whatever is thrown is answered with a code of the contract and nothing else. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { outage } from '../db/errors.js';
import { AppError, serviceUnavailable } from '../lib/errors.js';
import { isAborted } from './logging.js';
import { errorBody } from './raw-answer.js';

/** What may be said of Fastify's refusals; of the rest it is said that the request is malformed. */
const MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content type is not supported.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
};

const MALFORMED = 'The request is malformed.';

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

/**
 * Answers with an error, and leaves with the request what the log needs. A request that its client gave up is no failure.
 * @param status HTTP status; the one of the error's code if left out
 */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, status?: number): void {
  const fault = toAppError(thrown, request.id);
  request.errorCode = fault.code;
  if (fault.status >= 500 && !isAborted(request.raw)) request.failure = fault;
  if (fault.details.retryAfter !== undefined) void reply.header('retry-after', fault.details.retryAfter);
  void reply.code(status ?? fault.status).send(errorBody(fault));
}

/** Answers where there is no route. */
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
