/** Forms that other sites send (OWASP Cross-Site Request Forgery Prevention Cheat Sheet: Fetch Metadata, verifying the origin). */
import type { FastifyRequest } from 'fastify';

/**
 * Whether the browser says that another site's page sent the request. A client that says nothing passes: it is no browser,
 * or one that was given the page over plain http.
 * @param origins where this service's own pages are
 */
export function isCrossSite({ headers }: Pick<FastifyRequest, 'headers'>, origins: ReadonlySet<string>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = headers;
  // Browsers send "null" for pages with "Referrer-Policy: no-referrer", such as these.
  return origin !== undefined && origin !== 'null' && !origins.has(origin);
}
