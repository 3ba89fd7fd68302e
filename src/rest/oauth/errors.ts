/** Error responses of the OAuth endpoints that answer with JSON (RFC 6749 section 5.2). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toAppError } from '../../fastify/errors.js';
import { isAborted } from '../../fastify/logging.js';
import type { AppError } from '../../lib/errors.js';
import { OAuthError, type OAuthErrorCode } from '../../oauth/error.js';

/** An error as it is sent. */
export interface SentError {
  readonly error: OAuthError;
  readonly status: number;
  /** In seconds. */
  readonly retryAfter?: number | undefined;
  /** What is logged. */
  readonly failure?: AppError;
}

/** Translates any error. What is not the client's mistake becomes `temporarily_unavailable` or `server_error`. */
export function toOAuthError(thrown: unknown, requestId: string): SentError {
  if (thrown instanceof OAuthError) return { error: thrown, status: thrown.status };
  const failure = toAppError(thrown, requestId);
  const { retryAfter } = failure.details;
  const sent = (code: OAuthErrorCode, description: string, status?: number): SentError => {
    const error = new OAuthError(code, description);
    return { error, status: status ?? error.status, retryAfter, failure };
  };
  if (failure.code === 'RATE_LIMIT_EXCEEDED') return sent('temporarily_unavailable', failure.message, 429);
  if (failure.code === 'SERVICE_UNAVAILABLE')
    return sent('temporarily_unavailable', 'The service is not available; try again later.');
  if (failure.code === 'QUERY_REJECTED') {
    const isTooLarge = thrown instanceof Error && 'statusCode' in thrown && thrown.statusCode === 413;
    const form = 'The body must be application/x-www-form-urlencoded, and short.';
    return sent('invalid_request', form, isTooLarge ? 413 : 400);
  }
  return sent('server_error', 'Internal error.');
}

/** Sends an error and records it for the log. */
export function sendOAuthError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { error, status, retryAfter, failure } = toOAuthError(thrown, request.id);
  if (failure) request.errorCode = failure.code;
  if (failure && status >= 500 && !isAborted(request.raw)) request.failure = failure;
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  // A client that used the header is told the scheme of the header.
  if (error.code === 'invalid_client' && request.headers.authorization !== undefined)
    void reply.header('www-authenticate', 'Basic realm="oauth", charset="UTF-8"');
  return reply.code(status).header('cache-control', 'no-store').header('pragma', 'no-cache').send(error.body);
}
