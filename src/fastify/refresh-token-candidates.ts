/** Finds possible refresh tokens in a request without parsing its document, for the rate limit by session. */
import type { FastifyRequest } from 'fastify';
import { REFRESH_TOKEN_LENGTH } from '../crypto/refresh-token.js';

/** A document renews one session. The limit bounds the cost of a request with many decoys. */
const MAX_CANDIDATES = 4;
const LITERAL = /"([\w-]+)"/g;

/** The refresh cookie, strings of the variables and literals of the document, in this order. */
export function refreshTokenCandidates({ body, cookies }: FastifyRequest, cookieName: string): string[] {
  const { variables, query } = (body ?? {}) as { variables?: unknown; query?: unknown };
  const texts: unknown[] = typeof variables === 'object' && variables !== null ? Object.values(variables) : [];
  texts.unshift(cookies[cookieName]);
  // Clients usually send variables.
  if (typeof query === 'string' && query.includes('"')) {
    for (const [, literal] of query.matchAll(LITERAL)) texts.push(literal);
  }
  return texts
    .filter((text): text is string => typeof text === 'string' && text.length === REFRESH_TOKEN_LENGTH)
    .slice(0, MAX_CANDIDATES);
}
