/** The options of a verifier. */
import type { RequiredScopes } from './scopes.js';

/** Asymmetric algorithms only: a verifier never holds a key that could sign. */
export const ALGORITHMS = ['EdDSA', 'ES256', 'PS256', 'RS256'] as const;
export type VerifierAlgorithm = (typeof ALGORITHMS)[number];

export interface VerifierOptions {
  /** Latchkey's PUBLIC_URL. Tokens of another issuer are refused. */
  readonly issuer: string;
  /** The audience that tokens must name, or several of which one is enough. Default: the issuer. */
  readonly audience?: string | readonly string[];
  /** Default: `<issuer>/.well-known/jwks.json`. */
  readonly jwksUri?: string | URL;
  /** Scopes that every credential must hold, as OR of ANDs. */
  readonly requiredScopes?: RequiredScopes;
  /** Accepted algorithms. Default: all of `ALGORITHMS`. */
  readonly algorithms?: readonly VerifierAlgorithm[];
  /** Accepted difference between clocks, in seconds. Default 5. */
  readonly clockTolerance?: number;
  /** Timeout of a request to Latchkey, in milliseconds. Default 5000. */
  readonly timeout?: number;
  /** Minimum time between JWKS requests for unknown keys, and after a failed one, in milliseconds. Default 5000. */
  readonly cooldown?: number;
  /**
   * How long fetched keys are used before they are fetched again, in milliseconds. Default 600000. If the issuer cannot be reached
   * then, they are used for one more hour.
   */
  readonly cacheMaxAge?: number;
  /** Accepts API keys as well. */
  readonly introspection?: IntrospectionOptions;
  /** Receives the cause when Latchkey cannot be asked. `console`, pino and `app.log` fit. */
  readonly log?: { warn(fields: object, message: string): void };
}

/** Introspection (RFC 7662), by which API keys are verified. */
export interface IntrospectionOptions {
  /** The `client_id` of a confidential OAuth client with `mayIntrospect`. Without that permission, no key is valid. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** Default: `<issuer>/oauth/introspect`. */
  readonly endpoint?: string | URL;
  /** API_KEY_PREFIX of Latchkey. Default: `sk_live_`. */
  readonly apiKeyPrefix?: string;
  /**
   * Whether access tokens are introspected too, after their signature was verified. Then a token whose session has ended is refused
   * after `cacheMaxAge` instead of at its expiry. Default false.
   */
  readonly accessTokens?: boolean;
  /**
   * How long a valid credential is accepted without another request, in milliseconds, and never longer than it is valid. A revocation
   * takes effect after this time at the latest. Default 30000; 0 asks for each request.
   */
  readonly cacheMaxAge?: number;
  /** The same for a credential that is not valid. Default 10000. */
  readonly negativeCacheMaxAge?: number;
  /** Maximum number of cached valid credentials, and of others. Default 10000. */
  readonly cacheMaxEntries?: number;
}
