/**
 * Headers that every response bears (OWASP Secure Headers Project, REST Security Cheat Sheet). They are set before
 * the route runs, so a page that needs another policy sets its own over them.
 */
import fp from 'fastify-plugin';
import type { Config } from '../config.js';

const YEAR_S = 31_536_000;

/** The headers, ready to be set. */
export function securityHeaders({
  production,
  publicUrl,
}: Pick<Config, 'production' | 'publicUrl'>): Readonly<Record<string, string>> {
  return {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    // Responses hold tokens and personal data (RFC 6749, 5.1).
    'cache-control': 'no-store',
    // Not for subdomains: PUBLIC_URL may be the apex of a domain whose other hosts are not ours to speak for.
    ...(production && publicUrl?.startsWith('https:') ? { 'strict-transport-security': `max-age=${YEAR_S}` } : {}),
  };
}

/** Sets the headers on every response. */
export const securityHeadersPlugin = fp<{ readonly config: Pick<Config, 'production' | 'publicUrl'> }>(
  (app, { config }, done) => {
    const headers = securityHeaders(config);
    app.addHook('onRequest', (_request, reply, next) => {
      void reply.headers(headers);
      next();
    });
    done();
  },
  { name: 'security-headers', fastify: '5.x' },
);
