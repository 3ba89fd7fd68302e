/** The home page `/`. */
import type { FastifyPluginCallback } from 'fastify';
import fp from 'fastify-plugin';
import { linksPage, messagePage, type PageLink } from '../pages/html.js';
import { PAGES_CSP } from '../pages/layout.js';

export interface HomeOptions {
  /** The service's name, shown to people. */
  readonly appName: string;
  /** Shows only the name, and neither product nor version (OWASP ASVS 5.0, section 13.4). */
  readonly minimal: boolean;
  /** Whether `/graphiql` is served. */
  readonly graphiql: boolean;
  /** Base URL of the service, e.g. `https://example.com/auth`. */
  readonly publicUrl: string;
}

/** Relative, so that they work below any path prefix. */
const LINKS: readonly PageLink[] = [
  { href: 'healthz', label: 'Liveness: /healthz' },
  { href: 'readyz', label: 'Readiness: /readyz' },
  { href: 'metrics', label: 'Metrics for Prometheus: /metrics' },
  { href: '.well-known/jwks.json', label: 'Public keys of access tokens: /.well-known/jwks.json' },
];
const PLAYGROUND: PageLink = { href: 'graphiql', label: 'Playground: /graphiql' };

const plugin: FastifyPluginCallback<HomeOptions> = (app, { appName, minimal, graphiql, publicUrl }, done) => {
  const html = minimal
    ? messagePage(appName, 'This service manages accounts and logins for applications. There is nothing to see here.')
    : linksPage(
        appName,
        `The GraphQL API is at ${publicUrl}/graphql, over HTTP and WebSocket. README.md and docs/ describe it.`,
        graphiql ? [PLAYGROUND, ...LINKS] : LINKS,
      );
  app.get('/', (_request, reply) =>
    reply.header('content-security-policy', PAGES_CSP).type('text/html; charset=utf-8').send(html),
  );
  done();
};

/** Serves `/`. */
export const home = fp(plugin, { name: 'home', dependencies: ['security-headers'], fastify: '5.x' });
