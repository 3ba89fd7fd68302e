/** Authenticates requests: the first strategy that finds its kind of credential decides. Two credentials are refused. */
import { AppError } from '../lib/errors.js';
import type { AccountPrincipal, RequestCredentials, Strategy } from './strategy.js';

/**
 * Authenticates the sender of the credentials.
 * @param ipAddress of the client, as `clientAddress` returns it
 * @throws AppError MISSING_TOKEN, INVALID_TOKEN, and what the strategy throws
 */
export type Authenticate = (credentials: RequestCredentials, ipAddress: string) => Promise<AccountPrincipal>;

/** A credential with the strategy that decides about it. */
export interface FoundCredential {
  readonly strategy: Strategy;
  readonly value: string;
}

export interface Authenticator {
  readonly authenticate: Authenticate;
  /** The headers that the strategies read, in lower case. */
  readonly headers: readonly string[];
  /** The credential that decides, unverified; undefined if no strategy finds one, or if several credentials were sent. */
  find(credentials: RequestCredentials): FoundCredential | undefined;
  /** The credentials among the headers of an HTTP request, which Node gives in lower case. */
  fromHeaders(headers: Readonly<Record<string, unknown>>): RequestCredentials;
  /** The credentials in the payload of `connection_init`: in any case, at the top or under `headers`. */
  fromConnectionParams(params: Readonly<Record<string, unknown>> | undefined): RequestCredentials;
}

/** @param strategies tried in this order */
export function createAuthenticator(strategies: readonly Strategy[]): Authenticator {
  const names = [...new Set(strategies.flatMap((strategy) => strategy.headers))];

  function findAll(credentials: RequestCredentials): FoundCredential[] {
    return Object.entries(credentials).flatMap(([name, value]) => findIn({ [name]: value }) ?? []);
  }

  function find(credentials: RequestCredentials): FoundCredential | undefined {
    const [found, ...others] = findAll(credentials);
    return others.length === 0 ? found : undefined;
  }

  function findIn(credentials: RequestCredentials): FoundCredential | undefined {
    for (const strategy of strategies) {
      const value = strategy.find(credentials);
      if (value !== undefined) return { strategy, value };
    }
    return undefined;
  }

  return {
    headers: names,
    find,

    async authenticate(credentials, ipAddress) {
      const [found, ...others] = findAll(credentials);
      // RFC 6750 section 2: a request must not use more than one method to send a token.
      if (others.length > 0)
        throw new AppError('INVALID_TOKEN', 'Send one credential: an access token or an API key, not several.');
      if (found) return found.strategy.authenticate(found.value, ipAddress);
      if (Object.keys(credentials).length === 0) throw new AppError('MISSING_TOKEN', 'An access token is required.');
      throw new AppError('INVALID_TOKEN', 'The credentials are malformed.');
    },

    fromHeaders(headers) {
      const found: Record<string, string> = {};
      for (const name of names) {
        const value = headers[name];
        if (typeof value === 'string' && value !== '') found[name] = value;
      }
      return found;
    },

    fromConnectionParams(params) {
      const found = new Map<string, string>();
      for (const source of [params, params?.['headers']]) {
        if (typeof source !== 'object' || source === null) continue;
        for (const [key, value] of Object.entries(source)) {
          const name = key.toLowerCase();
          if (typeof value === 'string' && value !== '' && names.includes(name) && !found.has(name))
            found.set(name, value);
        }
      }
      return Object.fromEntries(found);
    },
  };
}
