/**
 * Security headers of every response (OWASP Secure Headers Project, REST Security Cheat Sheet). They are set before the route
 * handler runs, so that a page can replace them.
 */
import fp from 'fastify-plugin';
import type { Config } from '../config/config.js';

const YEAR_S = 31_536_000;

/** The settings that the headers depend on. */
export type SecurityHeaderSettings = Pick<Config, 'production' | 'publicUrl' | 'hstsIncludeSubdomains'>;
export type SecurityHeaders = Readonly<Record<string, string>>;

/** The headers by name, in lower case. `Strict-Transport-Security` is sent in production if PUBLIC_URL uses HTTPS. */
export function securityHeaders(settings: SecurityHeaderSettings): SecurityHeaders {
  const { production, publicUrl, hstsIncludeSubdomains } = settings;
  const hsts = `max-age=${YEAR_S}${hstsIncludeSubdomains ? '; includeSubDomains' : ''}`;
  return {
    'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    // Responses hold tokens and personal data (RFC 6749, section 5.1).
    'cache-control': 'no-store',
    ...(production && publicUrl?.startsWith('https:') ? { 'strict-transport-security': hsts } : {}),
  };
}

/** Sets the headers on every response. */
export const securityHeadersPlugin = fp<{ readonly config: SecurityHeaderSettings }>(
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
