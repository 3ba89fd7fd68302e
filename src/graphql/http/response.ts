/** Writes responses: status, headers and body (GraphQL over HTTP, "Response"). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.js';
import type { TranslatedError } from '../error-format.js';
import { GRAPHQL_RESPONSE, type ResponseType } from './media-type.js';

export interface Outcome {
  /** Undefined if nothing was executed; null if an error propagated to the root. */
  readonly data?: object | null | undefined;
  readonly errors: readonly TranslatedError[];
}

/**
 * Answers a well-formed request. Without data, `application/graphql-response+json` gets the status of the first error;
 * `application/json` always gets 200.
 */
export function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  type: ResponseType,
  { data, errors }: Outcome,
): FastifyReply {
  const [first] = errors;
  if (!first) return send(reply, type, { data });
  request.errorCode = first.error.code;
  const failures = errors.map(({ error }) => error).filter(({ status }) => status >= 500);
  const failure = failures.find(({ code }) => code === 'INTERNAL_ERROR') ?? failures[0];
  if (failure) request.failure = failure;
  const retryAfter = Math.max(...errors.map(({ error }) => error.details.retryAfter ?? 0));
  if (retryAfter > 0) reply.header('retry-after', retryAfter);
  if (data == null && type === GRAPHQL_RESPONSE) reply.code(first.error.status);
  return send(reply, type, { errors: errors.map(({ formatted }) => formatted), data });
}

/** Answers a request that is not GraphQL over HTTP, with the status already set on the reply. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  type: ResponseType,
  message: string,
): FastifyReply {
  const error = new AppError('QUERY_REJECTED', message);
  request.errorCode = error.code;
  return send(reply, type, { errors: [{ message, extensions: error.extensions }] });
}

function send(reply: FastifyReply, type: ResponseType, body: object): FastifyReply {
  const vary = reply.getHeader('vary');
  return reply
    .header('content-type', `${type}; charset=utf-8`)
    .header('cache-control', 'no-store')
    .header('vary', vary === undefined ? 'accept' : `${String(vary)}, accept`)
    .send(JSON.stringify(body));
}
