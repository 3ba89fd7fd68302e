/** Finds texts in a request that may be refresh tokens, without parsing its document: they decide by what it is counted. */
import type { FastifyRequest } from 'fastify';
import { REFRESH_TOKEN_LENGTH } from '../crypto/refresh-token.js';

/** A document renews one session; checking more texts than this would make a request of decoys dear. */
const MAX_CANDIDATES = 4;
const LITERAL = /"([\w-]+)"/g;

/** Of a parsed GraphQL request: the refresh cookie, then strings of the variables, then literals of the document. */
export function refreshTokenCandidates({ body, cookies }: FastifyRequest, cookieName: string): string[] {
  const { variables, query } = (body ?? {}) as { variables?: unknown; query?: unknown };
  const values: unknown[] = typeof variables === 'object' && variables !== null ? Object.values(variables) : [];
  const literals = typeof query === 'string' ? query.matchAll(LITERAL) : [];
  const texts = [cookies[cookieName], ...values, ...Array.from(literals, ([, literal]) => literal)];
  return texts
    .filter((text): text is string => typeof text === 'string' && text.length === REFRESH_TOKEN_LENGTH)
    .slice(0, MAX_CANDIDATES);
}
