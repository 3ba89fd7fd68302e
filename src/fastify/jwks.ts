/** `GET /.well-known/jwks.json`: the public keys that verify access tokens and ID tokens (RFC 7517 section 5). */
import type { FastifyPluginCallback, onSendHookHandler } from 'fastify';
import fp from 'fastify-plugin';

/**
 * How long verifiers may cache the set. They fetch it again when they see an unknown `kid`. Retired keys stay listed until
 * their last token has expired.
 */
const MAX_AGE_SECONDS = 300;

const plugin: FastifyPluginCallback<{ keys(): Promise<readonly object[]> }> = (app, { keys }, done) => {
  // Origins of CORS_ORIGINS keep the headers that they have everywhere.
  const onSend: onSendHookHandler = (_request, reply, _payload, next) => {
    if (!reply.hasHeader('access-control-allow-origin')) void reply.header('access-control-allow-origin', '*');
    next();
  };
  app.get('/.well-known/jwks.json', { onSend }, async (_request, reply) =>
    reply
      .header('content-type', 'application/jwk-set+json')
      .header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`)
      .send(JSON.stringify({ keys: await keys() })),
  );
  done();
};

export const jwks = fp(plugin, { name: 'jwks', dependencies: ['rate-limit'], fastify: '5.x' });
