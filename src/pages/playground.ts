/**
 * Serves the playground that scripts/build.mjs builds: a page and its assets. Each file has its own route, so no path of a
 * request is resolved on disk.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import staticFiles from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';

export interface GraphiqlOptions {
  /** The build output: `index.html` and `assets/`. */
  readonly assetsDir: string;
}

/**
 * The Content-Security-Policy of the page (OWASP Content Security Policy Cheat Sheet). Monaco creates inline styles at run time, so
 * they have neither hash nor nonce. `connect-src 'self'` includes WebSockets (CSP 3).
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

/** File names contain a hash of the content, so they can be cached forever. */
const FOREVER = { maxAge: '1y', immutable: true } as const;
/** One visit requests about twenty public files. */
const unlimited = { config: { rateLimit: false } };

const plugin: FastifyPluginAsync<GraphiqlOptions> = async (app, { assetsDir }) => {
  const root = resolve(assetsDir, 'assets');
  const html = await readFile(join(assetsDir, 'index.html'), 'utf8').catch((cause: unknown) => {
    throw new Error(`The playground is not built in ${assetsDir}: run npm run build`, { cause });
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
    // Returns nothing: for a returned reply, Fastify adds listeners to the response, which has more than ten then.
    app.get(`/graphiql/assets/${name}`, unlimited, (_request, reply) => void reply.sendFile(name, FOREVER));
  }
};

/**
 * Serves `/graphiql` and `/graphiql/assets/*`. URLs in them are relative, so that they work below any path prefix.
 * @throws Error at start if the playground is not built
 */
export const graphiql = fp(plugin, { name: 'graphiql', encapsulate: true, fastify: '5.x' });
