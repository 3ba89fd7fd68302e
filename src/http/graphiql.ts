/**
 * The playground: a page and its assets, as scripts/build.mjs left them. Each file that is there has a route of its
 * own, so no path of a request is ever looked up on disk.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import staticFiles from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';

export interface GraphiqlOptions {
  /** The built playground: `index.html` and `assets/`. */
  readonly assetsDir: string;
  /** The path that the page sends its operations to. */
  readonly endpoint: string;
}

/**
 * What the page may do. Inline styles are Monaco's, which makes them as it runs and so can neither hash nor sign them;
 * all else is the page's own (OWASP Content Security Policy Cheat Sheet).
 */
export const GRAPHIQL_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The names hold a hash of the content. */
const FOREVER = { maxAge: '1y', immutable: true } as const;
/** One visit is some twenty requests for files that hold no secret. */
const unlimited = { config: { rateLimit: false } };

const plugin: FastifyPluginAsync<GraphiqlOptions> = async (app, { assetsDir, endpoint }) => {
  const root = resolve(assetsDir, 'assets');
  const page = await readFile(join(assetsDir, 'index.html'), 'utf8').catch((cause: unknown) => {
    throw new Error(`There is no playground in ${assetsDir}: run npm run build`, { cause });
  });
  const html = page.replace('data-endpoint="/graphql"', () => `data-endpoint="${escapeAttribute(endpoint)}"`);
  const assets = (await readdir(root)).filter((name) => !name.endsWith('.gz'));

  await app.register(staticFiles, { root, serve: false, preCompressed: true });
  app.get('/graphiql', unlimited, (_request, reply) =>
    reply
      .headers({ 'content-security-policy': GRAPHIQL_CSP, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(html),
  );
  for (const name of assets) {
    app.get(`/graphiql/assets/${name}`, unlimited, (_request, reply) => reply.sendFile(name, FOREVER));
  }
};

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}

/**
 * Serves `/graphiql` and `/graphiql/assets/*`.
 * @throws Error at start when the playground is not built
 */
export const graphiql = fp(plugin, { name: 'graphiql', encapsulate: true, fastify: '5.x' });
