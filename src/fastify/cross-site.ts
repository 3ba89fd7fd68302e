/** Detects cross-site form posts (OWASP Cross-Site Request Forgery Prevention Cheat Sheet: Fetch Metadata, verifying the origin). */
import type { FastifyRequest } from 'fastify';

/**
 * Whether a page of another site sent the request, according to `Sec-Fetch-Site`, or else `Origin`. A request with neither passes:
 * browsers omit `Sec-Fetch-Site` over plain http, and other clients send neither.
 * @param origins origins of this service's own pages
 */
export function isCrossSite({ headers }: Pick<FastifyRequest, 'headers'>, origins: ReadonlySet<string>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = headers;
  // Browsers send "null" for pages with "Referrer-Policy: no-referrer", such as those of Latchkey.
  return origin !== undefined && origin !== 'null' && !origins.has(origin);
}
