/** The `Host` header (RFC 9112, section 3.2): exactly one from HTTP/1.1 on, so that proxies and this server agree on it. */
import fp from 'fastify-plugin';
import { AppError } from '../lib/errors.js';

/** Answers 400 QUERY_REJECTED to requests with two, and to requests of HTTP/1.1 with none; the connection ends. */
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
      return next(new AppError('QUERY_REJECTED', 'The request must have one Host header.'));
    });
    done();
  },
  { name: 'one-host', fastify: '5.x' },
);
