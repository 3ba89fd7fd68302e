/** Discovery: `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` (RFC 8414 section 3). */
import type { FastifyInstance } from 'fastify';
import { openCors } from './open-cors.js';
import { serverMetadata, type MetadataOptions } from '../../oauth/metadata.js';

const DOCUMENTS = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
/** How long clients may cache the metadata. */
const MAX_AGE_SECONDS = 300;

export function discovery(app: FastifyInstance, options: Omit<MetadataOptions, 'serves'>): void {
  const { prefix } = app;
  let metadata: Readonly<Record<string, unknown>> | undefined;
  // At the first request, when all routes are registered: the metadata names the endpoints that exist.
  const read = () =>
    (metadata ??= serverMetadata({
      ...options,
      serves: (path) => ['GET', 'POST'].some((method) => app.hasRoute({ method, url: prefix + path })),
    }));
  // For an issuer with a path, RFC 8414 puts it after the well-known part, and OpenID Connect before. With a prefix, the
  // application that mounts these routes serves what is outside of it.
  const { pathname } = new URL(options.issuer);
  const issuerPath = prefix === '' ? pathname.replace(/\/$/, '') : '';
  const urls = new Set(DOCUMENTS.flatMap((url) => [url, url + issuerPath]));
  openCors(app, [...urls]);
  for (const url of urls)
    app.get(url, async (_request, reply) =>
      reply.header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`).send(read()),
    );
}
