/** CORS (Fetch Standard, 3.2) with credentials for a list of exact origins. Other origins get no CORS headers. */
import cors from '@fastify/cors';
import fp from 'fastify-plugin';

/** Short, so that a changed list takes effect soon. Chromium allows at most two hours. */
const PREFLIGHT_MAX_AGE_S = 600;

export interface CorsOptions {
  /** Origins such as `https://app.example.com`, as a browser sends them. */
  readonly origins: readonly string[];
  /** The headers that carry credentials, in lower case. */
  readonly credentialHeaders: readonly string[];
}

/** Answers preflights and sets the CORS headers of responses. */
export const corsPlugin = fp<CorsOptions>(
  async (app, { origins, credentialHeaders }) => {
    const allowed = new Set(origins);
    await app.register(cors, {
      // A function: with a list, the plugin sends some of the headers to every origin.
      origin: (origin, decide) => {
        decide(null, origin !== undefined && allowed.has(origin));
      },
      credentials: true,
      methods: ['GET', 'POST'],
      allowedHeaders: [
        ...credentialHeaders,
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
      // The strict mode answers an incomplete preflight in plain text, without an error code.
      strictPreflight: false,
    });
  },
  // This plugin answers preflights, so the security headers must be set before.
  { name: 'cors', fastify: '5.x', dependencies: ['security-headers'] },
);
