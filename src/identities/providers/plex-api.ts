/**
 * The requests to plex.tv that a sign-in needs. Every answer is checked; Plex tokens and answers are part of no error.
 * @see https://forums.plex.tv/t/authenticating-with-plex/609370
 */
import type { GuardedFetch } from '../../lib/guarded-fetch.js';
import { IdentityProviderError } from '../provider.js';

export interface PlexApiOptions {
  /** The origin of the API for PINs and accounts. */
  readonly origin: string;
  /** The origin of the API for resources. */
  readonly resourcesOrigin: string;
  /** Names this installation to Plex. */
  readonly clientIdentifier: string;
  /** Shown to the person in their list of authorized devices. */
  readonly product: string;
  /** With PLEX_FETCH_LIMITS. */
  readonly fetch: GuardedFetch;
}

export interface Pin {
  readonly id: string;
  /** Part of the address where the person signs in. */
  readonly code: string;
  readonly expiresAt: Date;
}

export interface PlexAccount {
  readonly id: string;
  readonly username: string | null;
  readonly title: string | null;
  readonly email: string | null;
  /** Whether the person confirmed the email address to Plex. */
  readonly confirmed: boolean;
  readonly thumb: string | null;
  /** Whether it is a managed account or the guest of a Plex Home, which have no credentials of their own. */
  readonly managed: boolean;
}

export interface PlexResource {
  readonly clientIdentifier: string | null;
  readonly provides: readonly string[];
  /** Whether it belongs to the account of the token. */
  readonly owned: boolean;
  /** The id of the account that shares it; null if it is owned. */
  readonly ownerId: string | null;
}

/** Plex answered 401: the token is invalid, or no longer valid. */
export class PlexTokenRefusedError extends IdentityProviderError {
  constructor() {
    super('failed', 'Plex refused the token.');
  }
}

interface PlexRequest {
  /** Names the request in errors: the address has the id of the PIN, with which the token can be read. */
  readonly name: string;
  readonly address: string;
  readonly method?: 'POST';
  readonly token?: string;
  readonly signal: AbortSignal;
}

/** Accounts with many servers have answers of some hundred kilobytes. */
export const PLEX_FETCH_LIMITS = { timeoutMs: 10_000, maxBytes: 1_048_576 } as const;
const CODE = /^[\w-]{1,100}$/;
/** Tokens of 20 characters, and JWTs. Nothing else may get into a header. */
const TOKEN = /^[\w.~+/=-]{1,4096}$/;

/** Whether a text can be a Plex token. */
export function isPlexToken(text: string): boolean {
  return TOKEN.test(text);
}

/** All methods throw IdentityProviderError; those with a token throw PlexTokenRefusedError if Plex refuses it. */
export function createPlexApi({ origin, resourcesOrigin, clientIdentifier, product, fetch }: PlexApiOptions) {
  const identification = {
    accept: 'application/json',
    'x-plex-client-identifier': clientIdentifier,
    // Headers are ASCII.
    'x-plex-product': product.replace(/[^\x20-\x7e]/g, '?'),
  };

  async function request({ name, address, method, token, signal }: PlexRequest): Promise<unknown> {
    const headers = { ...identification, ...(token === undefined ? {} : { 'x-plex-token': token }) };
    let response: Response;
    let body: string;
    try {
      response = await fetch(address, { method, headers, signal });
      body = await response.text();
    } catch (cause) {
      throw new IdentityProviderError('failed', `Plex did not answer the request for ${name}.`, { cause });
    }
    if (response.status === 401 && token !== undefined) throw new PlexTokenRefusedError();
    if (!response.ok) throw failed(`Plex answered the request for ${name} with status ${response.status}.`);
    try {
      return JSON.parse(body);
    } catch {
      // The error of the parser quotes the answer.
      throw failed(`Plex answered the request for ${name} with something other than JSON.`);
    }
  }

  function ownPin(answer: unknown) {
    const pin = members(answer);
    if ((pin['clientIdentifier'] ?? clientIdentifier) === clientIdentifier) return pin;
    throw failed('The PIN belongs to another client identifier.');
  }

  return {
    /** Makes a strong PIN, which only a person with its address can claim. @param now milliseconds, for a relative expiry */
    async createPin(now: number, signal: AbortSignal): Promise<Pin> {
      const address = `${origin}/api/v2/pins?strong=true`;
      const pin = ownPin(await request({ name: 'a PIN', address, method: 'POST', signal }));
      const id = idOf(pin['id']);
      const code = textOf(pin['code']);
      const expiresAt = expiryOf(pin, now);
      if (id === null || code === null || !CODE.test(code) || expiresAt === undefined)
        throw failed('The PIN is malformed.');
      return { id, code, expiresAt };
    },

    /** The token of the account that claimed the PIN; null if nobody has claimed it yet. */
    async readPin(id: string, signal: AbortSignal): Promise<string | null> {
      const address = `${origin}/api/v2/pins/${id}`;
      const pin = ownPin(await request({ name: 'the state of a PIN', address, signal }));
      if (idOf(pin['id']) !== id) throw failed('Plex answered with another PIN.');
      const token = pin['authToken'] ?? '';
      if (token === '') return null;
      if (typeof token !== 'string' || !isPlexToken(token)) throw failed('The token of the PIN is malformed.');
      return token;
    },

    /** The account that a token belongs to. @param token as isPlexToken accepts it */
    async readAccount(token: string, signal: AbortSignal): Promise<PlexAccount> {
      const address = `${origin}/api/v2/user`;
      const account = members(await request({ name: 'the account', address, token, signal }));
      const id = idOf(account['id']);
      if (id === null) throw failed('The account has no id.');
      return {
        id,
        username: textOf(account['username']),
        title: textOf(account['title']),
        email: textOf(account['email']),
        confirmed: account['confirmed'] === true,
        thumb: textOf(account['thumb']),
        managed: [account['restricted'], account['guest']].some((flag) => (flag ?? false) !== false),
      };
    },

    /** The servers and players that an account may use. @param token as isPlexToken accepts it */
    async readResources(token: string, signal: AbortSignal): Promise<readonly PlexResource[]> {
      const address = `${resourcesOrigin}/api/v2/resources`;
      const resources = await request({ name: 'the resources', address, token, signal });
      if (!Array.isArray(resources)) throw failed('The resources are malformed.');
      return resources.map(members).map((resource) => ({
        // Compared as it is.
        clientIdentifier: typeof resource['clientIdentifier'] === 'string' ? resource['clientIdentifier'] : null,
        provides: (textOf(resource['provides']) ?? '').split(',').map((service) => service.trim()),
        owned: resource['owned'] === true,
        ownerId: idOf(resource['ownerId']),
      }));
    },
  };
}

function failed(message: string): IdentityProviderError {
  return new IdentityProviderError('failed', message);
}

/** The members of a JSON object; none for any other value. */
function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Ids are positive integers. */
function idOf(value: unknown): string | null {
  return Number.isSafeInteger(value) && Number(value) > 0 ? String(value) : null;
}

/** Plex has empty texts for what an account does not have. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** Plex says both when the PIN expires, and in how many seconds, which does not depend on the clocks. The earlier one counts. */
function expiryOf({ expiresIn, expiresAt }: Readonly<Record<string, unknown>>, now: number): Date | undefined {
  const times = [now + Number(expiresIn ?? NaN) * 1000, Date.parse(textOf(expiresAt) ?? '')];
  const date = new Date(Math.min(...times.filter((ms) => !Number.isNaN(ms))));
  return Number.isNaN(date.getTime()) ? undefined : date;
}
