/**
 * The signing keys of an issuer, for jose. If they cannot be fetched, the last ones remain in use for a bounded time, so that
 * an outage of the issuer does not stop the services that verify its tokens.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  jwksCache,
  type JWKSCacheInput,
  type JWTVerifyGetKey,
} from 'jose';
import { createFetchKeys } from './fetch-keys.js';

type VerificationKey = Awaited<ReturnType<JWTVerifyGetKey>>;

export interface KeyOptions {
  /** Timeout of a request, in milliseconds. */
  readonly timeout: number;
  /** Minimum time between requests for unknown keys, and after a failed one, in milliseconds. */
  readonly cooldown: number;
  /** How long fetched keys are used before they are fetched again, in milliseconds. */
  readonly cacheMaxAge: number;
  readonly log: { warn(fields: object, message: string): void } | undefined;
}

/**
 * How much longer than `cacheMaxAge` keys are used if the issuer cannot be reached. Tokens live for 15 minutes by default and
 * cannot be renewed during the outage, so more time would help few of them. It would also extend the use of a withdrawn key by an
 * attacker who can block the requests to the issuer.
 */
const STALE_MS = 3_600_000;

/**
 * Returns a function that finds the key of a token. It rejects with an error of jose about the token, or with the cause if the
 * keys cannot be fetched.
 */
export function createKeys(url: URL, { timeout, cooldown, cacheMaxAge, log }: KeyOptions): JWTVerifyGetKey {
  /** jose stores the last keys and the time of their arrival here. */
  const cache: JWKSCacheInput = {};
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: timeout,
    cooldownDuration: cooldown,
    cacheMaxAge,
    [customFetch]: createFetchKeys(cooldown),
    [jwksCache]: cache,
  });
  let last: { readonly uat: number; readonly keyOf: JWTVerifyGetKey } | undefined;
  let isFailing = false;

  /** The key of a token among the last keys, if they are not too old. */
  async function lastKey(...[header, token]: Parameters<JWTVerifyGetKey>): Promise<VerificationKey | undefined> {
    if (!('uat' in cache) || Date.now() - cache.uat >= cacheMaxAge + STALE_MS) return undefined;
    if (last?.uat !== cache.uat) last = { uat: cache.uat, keyOf: createLocalJWKSet(cache.jwks) };
    return Promise.resolve(last.keyOf(header, token)).catch(() => undefined);
  }

  /** Tries to end an outage. A failure changes nothing: the next call tries again. */
  function reload(): void {
    remote.reload().then(
      () => {
        isFailing = false;
      },
      () => undefined,
    );
  }

  return async (header, token) => {
    const known = isFailing ? await lastKey(header, token) : undefined;
    if (known) {
      // During an outage, requests do not wait for the timeout of an attempt to fetch the keys.
      reload();
      return known;
    }
    try {
      const key = await remote(header, token);
      isFailing = false;
      return key;
    } catch (error) {
      if (isAboutToken(error)) throw error;
      const stale = await lastKey(header, token);
      if (!stale) throw error;
      if (!isFailing)
        log?.warn({ err: error }, 'The signing keys of Latchkey cannot be fetched; the last ones are used');
      isFailing = true;
      return stale;
    }
  };
}

/** Whether the token caused an error of jose. Any other error means that the keys are unavailable. */
export function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}
