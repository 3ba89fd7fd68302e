/** The identity providers of the configuration. */
import type { Config } from '../config/config.js';
import { returnToOriginsOf } from '../config/identities.js';
import type { IdentitySettings } from './create.js';

export function identitySettings({ identities, mail }: Config, publicUrl: string): IdentitySettings {
  const { returnToOrigins: configured } = identities;
  return {
    providers: new Map(),
    returnToOrigins: returnToOriginsOf({ configured, publicUrl, appUrl: mail.appUrl }),
    plexTokens: undefined,
  };
}
