/** Verifies the credentials of Latchkey in other services: access tokens by their signature, API keys by introspection. */
import { createVerifyAccessToken, invalidToken } from './access-token.js';
import { createApiKeyVerifier } from './api-keys.js';
import { VerificationError } from './errors.js';
import { createIntrospect } from './introspection-request.js';
import { createCachedIntrospection, type CachedIntrospection } from './introspection.js';
import { createKeys } from './keys.js';
import { ALGORITHMS, type IntrospectionOptions, type VerifierOptions } from './options.js';
import { assertScopes } from './scopes.js';
import type { VerifiedToken } from './verified-token.js';

/** What a request has besides the `Authorization` header. */
export interface RequestDetails {
  /** The header `X-API-Key`. */
  readonly apiKey?: string | readonly string[] | undefined;
  /** The address of the client. A key that is restricted to networks is not valid without it. */
  readonly ipAddress?: string | undefined;
}

export interface Verifier {
  /**
   * Verifies an access token, or an API key if the options have `introspection`.
   * @throws VerificationError TOKEN_EXPIRED, INVALID_TOKEN, INVALID_API_KEY, INSUFFICIENT_PERMISSIONS, RATE_LIMIT_EXCEEDED,
   * SERVICE_UNAVAILABLE, INTERNAL_ERROR
   */
  verify(token: string, request?: Pick<RequestDetails, 'ipAddress'>): Promise<VerifiedToken>;
  /**
   * Verifies the token of an `Authorization` header (RFC 6750 section 2.1), or the API key of a request. A request with both is
   * refused with INVALID_TOKEN.
   * @throws VerificationError MISSING_TOKEN, and whatever `verify` throws
   */
  authenticate(authorization: string | undefined, request?: RequestDetails): Promise<VerifiedToken>;
}

const TIMEOUT_MS = 5000;

/** Creates a verifier. Create one per issuer and keep it: it caches keys and results. @throws TypeError for bad options */
export function createVerifier(options: VerifierOptions): Verifier {
  // jose would not check the issuer of tokens: for callers without types, such as of an unset environment variable.
  if (!options.issuer) throw new TypeError('issuer: must be the PUBLIC_URL of Latchkey');
  const { issuer, algorithms = ALGORITHMS, audience = issuer, clockTolerance = 5, cooldown = 5000 } = options;
  const { requiredScopes, timeout = TIMEOUT_MS, cacheMaxAge = 600_000, log } = options;
  const unknown = algorithms.find((name) => !ALGORITHMS.includes(name));
  if (unknown !== undefined) throw new TypeError(`algorithms: ${unknown} is not one of ${ALGORITHMS.join(', ')}`);
  const { jwksUri = urlBelow(issuer, '.well-known/jwks.json') } = options;
  const keys = createKeys(new URL(jwksUri), { timeout, cooldown, cacheMaxAge, log });
  const verifyAccessToken = createVerifyAccessToken(keys, {
    issuer,
    audience: typeof audience === 'string' ? audience : [...audience],
    algorithms: [...algorithms],
    clockTolerance,
    log,
  });
  const { introspection: settings } = options;
  const introspection = settings && introspectionOf(options, settings);
  const apiKeys = introspection && createApiKeyVerifier(introspection, settings.apiKeyPrefix ?? 'sk_live_');
  const introspectsTokens = settings?.accessTokens === true;

  /** The token, if its grant has not ended, with the scopes that it has now. */
  async function introspected(token: string, verified: VerifiedToken): Promise<VerifiedToken> {
    if (!introspection || !introspectsTokens) return verified;
    const found = await introspection.lookUp(token, undefined);
    if (found?.tokenType !== 'Bearer') throw invalidToken();
    return { ...verified, scopes: found.scopes };
  }

  async function checked(verifying: Promise<VerifiedToken>): Promise<VerifiedToken> {
    const verified = await verifying;
    if (requiredScopes) assertScopes(verified, requiredScopes);
    return verified;
  }

  const verify: Verifier['verify'] = (token, { ipAddress } = {}) =>
    checked(
      apiKeys?.isApiKey(token)
        ? apiKeys.verify(token, ipAddress)
        : verifyAccessToken(token).then((verified) => introspected(token, verified)),
    );

  return {
    verify,
    async authenticate(authorization, request = {}) {
      const token = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
      const key = apiKeys && textOf(request.apiKey);
      // RFC 6750 section 2: a request must not use more than one method to send a token.
      if (token !== undefined && key) throw severalCredentials();
      if (token !== undefined) return verify(token, request);
      if (apiKeys && key) return checked(apiKeys.verify(key, request.ipAddress));
      throw authorization ? invalidToken() : missingCredentials(apiKeys !== undefined);
    },
  };
}

/** @throws TypeError for bad options */
function introspectionOf(options: VerifierOptions, settings: IntrospectionOptions): CachedIntrospection {
  const { issuer, timeout = TIMEOUT_MS, log } = options;
  const { clientId, clientSecret, endpoint = urlBelow(issuer, 'oauth/introspect') } = settings;
  if (!clientId || !clientSecret)
    throw new TypeError('introspection: clientId and clientSecret must be those of an OAuth client');
  const { cacheMaxAge = 30_000, negativeCacheMaxAge = 10_000, cacheMaxEntries = 10_000 } = settings;
  const introspect = createIntrospect({ endpoint: new URL(endpoint), issuer, clientId, clientSecret, timeout, log });
  return createCachedIntrospection(introspect, { cacheMaxAge, negativeCacheMaxAge, cacheMaxEntries });
}

function urlBelow(issuer: string, path: string): URL {
  return new URL(`${issuer.replace(/\/$/, '')}/${path}`);
}

/** Node joins repeated headers of this name. A list of other servers is treated alike: no key contains a comma. */
function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header;
}

function severalCredentials(): VerificationError {
  return new VerificationError('INVALID_TOKEN', 'Send one credential: an access token or an API key, not several.');
}

function missingCredentials(takesApiKeys: boolean): VerificationError {
  const wanted = takesApiKeys ? 'An access token or an API key' : 'An access token';
  return new VerificationError('MISSING_TOKEN', `${wanted} is required.`);
}
