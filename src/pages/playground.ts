/**
 * The playground: a page and its assets, as scripts/build.mjs built them. Each file has a route of its own, so no path of a
 * request is ever looked up on disk.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import staticFiles from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';

export interface GraphiqlOptions {
  /** The built playground: `index.html` and `assets/`. */
  readonly assetsDir: string;
}

/**
 * The page's policy. Monaco makes inline styles at run time, so they can have neither hash nor nonce; everything else is
 * loaded from this origin (OWASP Content Security Policy Cheat Sheet). `connect-src 'self'` includes WebSockets (CSP 3).
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

/** File names contain a hash of the content. */
const FOREVER = { maxAge: '1y', immutable: true } as const;
/** One visit makes about twenty requests for public files. */
const unlimited = { config: { rateLimit: false } };

const plugin: FastifyPluginAsync<GraphiqlOptions> = async (app, { assetsDir }) => {
  const root = resolve(assetsDir, 'assets');
  const html = await readFile(join(assetsDir, 'index.html'), 'utf8').catch((cause: unknown) => {
    throw new Error(`There is no playground in ${assetsDir}: run npm run build`, { cause });
  });
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

/**
 * Serves `/graphiql` and `/graphiql/assets/*`; addresses in them are relative, so that any path prefix works.
 * @throws Error at start when the playground is not built
 */
export const graphiql = fp(plugin, { name: 'graphiql', encapsulate: true, fastify: '5.x' });
