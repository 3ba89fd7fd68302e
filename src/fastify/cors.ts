/** CORS (Fetch Standard, 3.2) for exact origins, with credentials; everybody else gets none of its headers. */
import cors from '@fastify/cors';
import fp from 'fastify-plugin';

/** Chromium keeps a preflight for two hours at most; ten minutes let a changed list hold soon. */
const PREFLIGHT_MAX_AGE_S = 600;

export interface CorsOptions {
  /** Origins such as `https://app.example.com`, as a browser sends them. */
  readonly origins: readonly string[];
}

/** Answers preflights, and tells browsers which origins may read responses. */
export const corsPlugin = fp<CorsOptions>(
  async (app, { origins }) => {
    const allowed = new Set(origins);
    await app.register(cors, {
      // A function, as the plugin sends credentials and method headers to every origin when given a list.
      origin: (origin, decide) => {
        decide(null, origin !== undefined && allowed.has(origin));
      },
      credentials: true,
      methods: ['GET', 'POST'],
      allowedHeaders: [
        'authorization',
        'content-type',
        'graphql-require-preflight',
        'apollo-require-preflight',
        'x-apollo-operation-name',
      ],
      exposedHeaders: [
        'x-request-id',
        'retry-after',
        'x-ratelimit-limit',
        'x-ratelimit-remaining',
        'x-ratelimit-reset',
      ],
      maxAge: PREFLIGHT_MAX_AGE_S,
      // Otherwise an incomplete preflight is answered in plain text, without a code.
      strictPreflight: false,
    });
  },
  // A preflight ends here, so the headers must be on it by now.
  { name: 'cors', fastify: '5.x', dependencies: ['security-headers'] },
);
