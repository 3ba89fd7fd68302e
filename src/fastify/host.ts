/** Requires exactly one `Host` header from HTTP/1.1 on (RFC 9112, section 3.2), so that proxies and this server agree on the host. */
import fp from 'fastify-plugin';
import { AppError } from '../lib/errors.js';

/** Answers 400 QUERY_REJECTED to requests with several, or without one in HTTP/1.1, and closes the connection. */
export const oneHostPlugin = fp(
  (app, _options, done) => {
    app.addHook('onRequest', (request, reply, next) => {
      const { rawHeaders, httpVersion } = request.raw;
      let hosts = 0;
      for (let index = 0; index < rawHeaders.length; index += 2) {
        if (rawHeaders[index]!.toLowerCase() === 'host') hosts += 1;
      }
      if (hosts === 1 || (hosts === 0 && httpVersion === '1.0')) return next();
      void reply.header('connection', 'close');
      return next(new AppError('QUERY_REJECTED', 'The request must have exactly one Host header.'));
    });
    done();
  },
  { name: 'one-host', fastify: '5.x' },
);
