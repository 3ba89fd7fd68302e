/**
 * Middleware for Fastify, Express and other servers with `(req, res, next)`. It answers a rejected request with JSON and a
 * `WWW-Authenticate` header (RFC 6750 section 3). After it, `tokenOf(request)` returns the token or the API key.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { VerificationError } from './errors.js';
import { assertScopes, type RequiredScopes } from './scopes.js';
import type { VerifiedToken } from './verified-token.js';
import type { Verifier } from './verifier.js';

/** A map, because a property of the request could conflict with one of the application. */
const tokens = new WeakMap<object, VerifiedToken>();

/** The verified token or API key of a request. @throws Error if the middleware did not accept the request */
export function tokenOf(request: object): VerifiedToken {
  const token = tokens.get(request);
  if (!token) throw new Error('The request has not passed the middleware of latchkey/verify');
  return token;
}

/** A hook for Fastify: `app.get('/movies', { onRequest: fastifyAuth(verifier, [['read:content']]) }, handler)`. */
export function fastifyAuth(verifier: Verifier, requiredScopes?: RequiredScopes) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const refusal = await admit(request, request.ip, verifier, requiredScopes);
    return refusal && reply.code(refusal.status).headers(headersOf(refusal)).send(bodyOf(refusal));
  };
}

/** Middleware for Express: `app.get('/movies', expressAuth(verifier, [['read:content']]), handler)`. */
export function expressAuth(verifier: Verifier, requiredScopes?: RequiredScopes) {
  return (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    admit(request, addressOf(request), verifier, requiredScopes).then((refusal) => {
      if (!refusal) next();
      else response.writeHead(refusal.status, headersOf(refusal)).end(JSON.stringify(bodyOf(refusal)));
    }, next);
  };
}

/** Express's `ip`, which follows its setting `trust proxy`, or the address of the connection. */
function addressOf(request: IncomingMessage): string | undefined {
  return 'ip' in request && typeof request.ip === 'string' ? request.ip : request.socket.remoteAddress;
}

/** Stores the token of an accepted request. Returns the error of a rejected one. */
async function admit(
  request: Pick<IncomingMessage, 'headers'>,
  ipAddress: string | undefined,
  verifier: Verifier,
  requiredScopes: RequiredScopes | undefined,
): Promise<VerificationError | undefined> {
  try {
    const { authorization, 'x-api-key': apiKey } = request.headers;
    const token = await verifier.authenticate(authorization, { apiKey, ipAddress });
    if (requiredScopes) assertScopes(token, requiredScopes);
    tokens.set(request, token);
    return undefined;
  } catch (error) {
    if (error instanceof VerificationError) return error;
    throw error;
  }
}

/** The response body, in the format of Latchkey's errors. */
function bodyOf({ message, code, details }: VerificationError): object {
  return { errors: [{ message, extensions: { code, ...details } }] };
}

function headersOf(refusal: VerificationError): Record<string, string> {
  const { retryAfter } = refusal.details;
  const challenge = challengeOf(refusal);
  return {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  };
}

/** RFC 6750 section 3.1: a request without credentials gets no error code. */
function challengeOf({ code, message, details }: VerificationError): string | undefined {
  switch (code) {
    case 'MISSING_TOKEN':
      return 'Bearer';
    case 'TOKEN_EXPIRED':
    case 'INVALID_TOKEN':
    case 'INVALID_API_KEY':
      return `Bearer error="invalid_token", error_description="${message}"`;
    case 'INSUFFICIENT_PERMISSIONS':
      return `Bearer error="insufficient_scope", scope="${(details.requiredScopes?.[0] ?? []).join(' ')}"`;
    case 'RATE_LIMIT_EXCEEDED':
    case 'SERVICE_UNAVAILABLE':
    case 'INTERNAL_ERROR':
      return undefined;
  }
}
