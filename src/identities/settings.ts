/** The identity providers of the configuration. */
import type { Config } from '../config/config.js';
import { returnToOriginsOf } from '../config/identities.js';
import type { PlexSettings } from '../config/identity-provider-settings.js';
import type { Clock } from '../lib/clock.js';
import type { IdentitySettings } from './create.js';
import type { PlexTokens } from './login.js';
import { createIdentityProviders, createPlex } from './providers/create.js';

/** For tokens of Plex if no entry of IDENTITY_PROVIDERS is for Plex. */
const PLEX: PlexSettings = {
  kind: 'plex',
  id: 'plex',
  name: 'Plex',
  issuer: 'https://plex.tv',
  trustEmail: false,
  allowPrivateAddresses: false,
};

export function identitySettings(config: Config, publicUrl: string, clock: Clock): IdentitySettings {
  const { identities, plex, mail, appName } = config;
  const { clientIdentifier, serverId, serverOwnerId, acceptTokens } = plex;
  const dependencies = { clock, plex: { clientIdentifier, serverId, serverOwnerId, product: appName } };
  const plexEntry = identities.providers.find((each) => each.kind === 'plex') ?? PLEX;
  return {
    providers: createIdentityProviders(identities.providers, dependencies),
    returnToOrigins: returnToOriginsOf({ configured: identities.returnToOrigins, publicUrl, appUrl: mail.appUrl }),
    plexTokens: acceptTokens === 'false' ? undefined : plexTokensOf(plexEntry, dependencies),
  };
}

function plexTokensOf(entry: PlexSettings, dependencies: Parameters<typeof createPlex>[1]): PlexTokens {
  const { id, verifyPlexToken } = createPlex(entry, dependencies);
  return { provider: id, verify: verifyPlexToken };
}
