/** Creates the configured identity providers. Nothing is requested before somebody signs in. */
import type { IdentityProviderSettings, PlexSettings } from '../../config/identity-provider-settings.js';
import type { Clock } from '../../lib/clock.js';
import {
  createGuardedFetch,
  isLoopbackUrl,
  type GuardedFetch,
  type GuardedFetchOptions,
} from '../../lib/guarded-fetch.js';
import type { IdentityProvider } from '../provider.js';
import { STEP_TIMEOUT_MS } from './client.js';
import { createOAuth2Provider } from './oauth2.js';
import { createOidcProvider } from './oidc.js';
import { PLEX_FETCH_LIMITS } from './plex-api.js';
import { createPlexProvider, type PlexProvider, type PlexProviderOptions } from './plex.js';

export interface IdentityProviderDependencies {
  readonly clock: Clock;
  /** What the providers of Plex have in common. */
  readonly plex: Pick<PlexProviderOptions, 'clientIdentifier' | 'product' | 'serverId' | 'serverOwnerId'>;
  /** Only tests change how requests are sent. */
  readonly network?: Partial<Pick<GuardedFetchOptions, 'ca' | 'resolve' | 'timeoutMs'>>;
}

/** No discovery document, key set or profile comes near this length. */
const MAX_BYTES = 262_144;

/** @returns the providers by their id, in the order of the configuration */
export function createIdentityProviders(
  settings: readonly IdentityProviderSettings[],
  dependencies: IdentityProviderDependencies,
): ReadonlyMap<string, IdentityProvider> {
  return new Map(settings.map((each) => [each.id, createProvider(each, dependencies)]));
}

function createProvider(
  settings: IdentityProviderSettings,
  dependencies: IdentityProviderDependencies,
): IdentityProvider {
  const { clock, network = {} } = dependencies;
  const limits = { timeoutMs: STEP_TIMEOUT_MS, maxBytes: MAX_BYTES, ...network };
  switch (settings.kind) {
    case 'oidc': {
      const fetch = fetchFor(settings, [settings.issuer], limits);
      return createOidcProvider(settings, { clock, fetch, timeoutMs: limits.timeoutMs });
    }
    case 'oauth2': {
      const { authorizationEndpoint, tokenEndpoint, profileEndpoint } = settings;
      const fetch = fetchFor(settings, [authorizationEndpoint, tokenEndpoint, profileEndpoint], limits);
      return createOAuth2Provider(settings, { fetch, timeoutMs: limits.timeoutMs });
    }
    case 'plex':
      return createPlex(settings, dependencies);
  }
}

/** The provider of Plex, which verifies tokens as well. */
export function createPlex(settings: PlexSettings, dependencies: IdentityProviderDependencies): PlexProvider {
  const { id, name, issuer, trustEmail } = settings;
  const { clock, plex, network } = dependencies;
  const fetch = fetchFor(settings, [issuer], { ...PLEX_FETCH_LIMITS, ...network });
  return createPlexProvider({ ...plex, id, name, issuer, trustEmail, clock, fetch });
}

/** @param urls the configured ones: a discovery document must not lead to loopback addresses */
function fetchFor(
  { allowPrivateAddresses }: IdentityProviderSettings,
  urls: readonly string[],
  limits: GuardedFetchOptions,
): GuardedFetch {
  return createGuardedFetch({
    ...limits,
    allowLoopback: urls.some(isLoopbackUrl),
    allowPrivate: allowPrivateAddresses,
  });
}
