/**
 * Sign-in with a Plex account. The server makes a PIN, the person claims it at app.plex.tv, and the PIN then has a token, which is
 * used to read the account and then forgotten. Plex is no OAuth provider: the callback carries nothing from Plex.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.js';
import type { GuardedFetch } from '../../lib/guarded-fetch.js';
import { IdentityProviderError, type IdentityProfile, type IdentityProvider } from '../provider.js';
import {
  createPlexApi,
  isPlexToken,
  PLEX_FETCH_LIMITS,
  PlexTokenRefusedError,
  type PlexAccount,
  type PlexResource,
} from './plex-api.js';

export interface PlexProviderOptions {
  readonly id: string;
  readonly name: string;
  /** The address of the API, and part of the key of each identity: `https://plex.tv`, or that of a stand-in. */
  readonly issuer: string;
  /** PLEX_CLIENT_IDENTIFIER; printable ASCII. */
  readonly clientIdentifier: string;
  /** APP_NAME. */
  readonly product: string;
  /** PLEX_SERVER_ID: only accounts that may use this server may sign in. Undefined: every Plex account. */
  readonly serverId: string | undefined;
  /** PLEX_SERVER_OWNER_ID. Undefined: the resources of an account are believed as Plex lists them. */
  readonly serverOwnerId: string | undefined;
  /** Whether an email address that is confirmed at Plex counts as verified. */
  readonly trustEmail: boolean;
  readonly clock: Clock;
  /** With PLEX_FETCH_LIMITS. */
  readonly fetch: GuardedFetch;
  /** Timeout of one start, finish or verification, in milliseconds. */
  readonly timeoutMs?: number;
  readonly wait?: (ms: number) => Promise<unknown>;
}

export interface PlexProvider extends IdentityProvider {
  /**
   * Reads the account of a token that a client sent. The token may have been issued to any application.
   * @returns undefined if the token is invalid
   * @throws IdentityProviderError if Plex says nothing about the token, or the account may not sign in here
   */
  verifyPlexToken(plexToken: string): Promise<IdentityProfile | undefined>;
}

const PLEX_TV = 'https://plex.tv';
const RESOURCES = 'https://clients.plex.tv';
const SIGN_IN_PAGE = 'https://app.plex.tv/auth';
/** The PIN is claimed before the browser comes back; the other polls are for a delay at Plex. */
const MAX_POLLS = 3;
/** Plex asks for one poll a second at most. */
const POLL_INTERVAL_MS = 1000;

/** The provider of kind `plex`. */
export function createPlexProvider(options: PlexProviderOptions): PlexProvider {
  const { id, name, issuer, clientIdentifier, product, serverId, serverOwnerId, trustEmail, clock, fetch } = options;
  const { timeoutMs = PLEX_FETCH_LIMITS.timeoutMs, wait = delay } = options;
  const { origin } = new URL(issuer);
  const resourcesOrigin = origin === PLEX_TV ? RESOURCES : origin;
  const api = createPlexApi({ origin, resourcesOrigin, clientIdentifier, product, fetch });
  const deadline = () => AbortSignal.timeout(timeoutMs);

  /** The token of the account that claimed the PIN. */
  async function claimedToken(pinId: string, expiresAt: number, signal: AbortSignal): Promise<string> {
    for (let polls = 1; ; polls += 1) {
      if (!(clock.now() < expiresAt)) throw new IdentityProviderError('failed', 'The PIN has expired.');
      const token = await api.readPin(pinId, signal);
      if (token !== null) return token;
      if (polls === MAX_POLLS)
        throw new IdentityProviderError('denied', 'The person came back without signing in at Plex.');
      await wait(POLL_INTERVAL_MS);
    }
  }

  async function readProfile(token: string, signal: AbortSignal): Promise<IdentityProfile> {
    const account = await api.readAccount(token, signal);
    // Every member of the Plex Home can switch to it.
    if (account.managed) throw notAllowed('Managed Plex accounts may not sign in.');
    if (serverId !== undefined) {
      const resources = await api.readResources(token, signal);
      if (!resources.some((resource) => isServer(resource, account.id)))
        throw notAllowed('The Plex account may not use the server of PLEX_SERVER_ID.');
    }
    return profileOf(account);
  }

  /**
   * Players and look-alikes have the same form, so both members must match exactly. Devices name themselves to Plex, identifier
   * and services included, so an account can pretend to own the server; it cannot pretend who the owner is.
   */
  function isServer({ clientIdentifier, provides, owned, ownerId }: PlexResource, accountId: string): boolean {
    if (clientIdentifier !== serverId || !provides.includes('server')) return false;
    return serverOwnerId === undefined || (owned ? accountId : ownerId) === serverOwnerId;
  }

  function profileOf({ id, username, title, email, confirmed, thumb }: PlexAccount): IdentityProfile {
    return {
      issuer,
      subject: id,
      email: trustEmail && confirmed ? email : null,
      username: username ?? title,
      displayName: title ?? username,
      avatarUrl: thumb?.startsWith('https://') ? thumb : null,
    };
  }

  return {
    id,
    name,
    kind: 'plex',
    issuer,
    postsCallback: false,

    async start(redirectUri, state) {
      const pin = await api.createPin(clock.now(), deadline());
      const forwardUrl = new URL(redirectUri);
      forwardUrl.searchParams.set('state', state);
      const parameters = new URLSearchParams({
        clientID: clientIdentifier,
        code: pin.code,
        forwardUrl: forwardUrl.href,
        'context[device][product]': product,
      });
      return {
        // The page reads the parameters from the fragment, where "+" is not a space.
        url: `${SIGN_IN_PAGE}#?${parameters.toString().replaceAll('+', '%20')}`,
        parameters: { pinId: pin.id, expiresAt: pin.expiresAt.toISOString() },
      };
    },

    async finish({ parameters }) {
      const { pinId, expiresAt } = parameters;
      if (pinId === undefined || expiresAt === undefined)
        throw new IdentityProviderError('failed', 'The sign-in was started with another kind of provider.');
      const signal = deadline();
      const token = await claimedToken(pinId, Date.parse(expiresAt), signal);
      return readProfile(token, signal);
    },

    async verifyPlexToken(plexToken) {
      if (!isPlexToken(plexToken)) return undefined;
      try {
        return await readProfile(plexToken, deadline());
      } catch (error) {
        if (error instanceof PlexTokenRefusedError) return undefined;
        throw error;
      }
    },
  };
}

function notAllowed(message: string): IdentityProviderError {
  return new IdentityProviderError('not_allowed', message);
}
