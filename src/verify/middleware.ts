/**
 * Middleware for Fastify, Express and everything with `(req, res, next)`. A refused request is answered with JSON and a
 * `WWW-Authenticate` header (RFC 6750 section 3); an admitted one has its token in `tokenOf(request)`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { VerificationError } from './errors.js';
import { assertScopes, type RequiredScopes } from './scopes.js';
import type { VerifiedToken, Verifier } from './verifier.js';

/** Not a property of the request, which could clash with one of the application's. */
const tokens = new WeakMap<object, VerifiedToken>();

/** The verified token of a request that has passed the middleware. @throws Error for a request that has not */
export function tokenOf(request: object): VerifiedToken {
  const token = tokens.get(request);
  if (!token) throw new Error('The request has not passed the middleware of latchkey/verify');
  return token;
}

/** A hook for Fastify: `app.get('/movies', { onRequest: fastifyAuth(verifier, [['read:content']]) }, handler)`. */
export function fastifyAuth(verifier: Verifier, requiredScopes?: RequiredScopes) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const refusal = await admit(request, verifier, requiredScopes);
    return refusal && reply.code(refusal.status).headers(headersOf(refusal)).send(bodyOf(refusal));
  };
}

/** Middleware for Express: `app.get('/movies', expressAuth(verifier, [['read:content']]), handler)`. */
export function expressAuth(verifier: Verifier, requiredScopes?: RequiredScopes) {
  return (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    admit(request, verifier, requiredScopes).then((refusal) => {
      if (!refusal) next();
      else response.writeHead(refusal.status, headersOf(refusal)).end(JSON.stringify(bodyOf(refusal)));
    }, next);
  };
}

/** Keeps the token of an admitted request, or returns why the request is refused. */
async function admit(
  request: Pick<IncomingMessage, 'headers'>,
  verifier: Verifier,
  requiredScopes: RequiredScopes | undefined,
): Promise<VerificationError | undefined> {
  try {
    const token = await verifier.authenticate(request.headers.authorization);
    if (requiredScopes) assertScopes(token, requiredScopes);
    tokens.set(request, token);
    return undefined;
  } catch (error) {
    if (error instanceof VerificationError) return error;
    throw error;
  }
}

/** The body has the form of Latchkey's own errors. */
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
      return `Bearer error="invalid_token", error_description="${message}"`;
    case 'INSUFFICIENT_PERMISSIONS':
      return `Bearer error="insufficient_scope", scope="${(details.requiredScopes?.[0] ?? []).join(' ')}"`;
    case 'SERVICE_UNAVAILABLE':
      return undefined;
  }
}
