/**
 * Introspection with a cache. Concurrent lookups of one credential share a request. The cache knows credentials by their SHA-256 only.
 * Active and inactive ones have a cache each, so a flood of wrong keys evicts no right one.
 */
import { createHash } from 'node:crypto';
import { createCache } from './cache.js';
import type { ActiveCredential, Introspect } from './introspection-request.js';

export interface CacheOptions {
  /** How long an active credential is accepted without another request, in milliseconds. */
  readonly cacheMaxAge: number;
  /** The same for an inactive one. */
  readonly negativeCacheMaxAge: number;
  /** Maximum number of active credentials, and of inactive ones. */
  readonly cacheMaxEntries: number;
}

export interface CachedIntrospection {
  /** The result of an earlier lookup, or of one that is under way; undefined without one. */
  known(token: string, ipAddress: string | undefined): Promise<ActiveCredential | undefined> | undefined;
  /** Asks Latchkey, unless the result is known. Undefined if the credential is not active. */
  lookUp(token: string, ipAddress: string | undefined): Promise<ActiveCredential | undefined>;
}

/** Also throws what `introspect` throws. Failures are not cached. */
export function createCachedIntrospection(introspect: Introspect, options: CacheOptions): CachedIntrospection {
  const { cacheMaxAge, negativeCacheMaxAge, cacheMaxEntries } = options;
  const active = createCache<ActiveCredential>(cacheMaxEntries);
  const inactive = createCache<true>(cacheMaxEntries);
  const pending = new Map<string, Promise<ActiveCredential | undefined>>();

  async function ask(name: string, token: string, ipAddress: string | undefined) {
    // The result was current at the latest when the request was sent.
    const since = Date.now();
    const found = await introspect(token, ipAddress);
    if (found) active.set(name, found, since, Math.min(since + cacheMaxAge, found.expiresAt ?? Infinity));
    else inactive.set(name, true, since, since + negativeCacheMaxAge);
    return found;
  }

  function knownAs(name: string): Promise<ActiveCredential | undefined> | undefined {
    const found = active.get(name);
    if (found) return Promise.resolve(found);
    return inactive.get(name) ? Promise.resolve(undefined) : pending.get(name);
  }

  return {
    known: (token, ipAddress) => knownAs(nameOf(token, ipAddress)),
    lookUp(token, ipAddress) {
      const name = nameOf(token, ipAddress);
      const known = knownAs(name);
      if (known) return known;
      const asked = ask(name, token, ipAddress).finally(() => pending.delete(name));
      pending.set(name, asked);
      return asked;
    },
  };
}

/** Whether a key is active depends on the address. */
function nameOf(token: string, ipAddress = ''): string {
  return `${createHash('sha256').update(token).digest('base64url')} ${ipAddress}`;
}
