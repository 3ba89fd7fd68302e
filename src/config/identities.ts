/** Parses the settings of sign-in at identity providers. */
import { isPrivateScheme } from '../lib/private-scheme.js';
import type { Report } from './entry-reader.js';
import { parseIdentityProviders } from './identity-providers.js';
import type { IdentityProviderSettings } from './identity-provider-settings.js';

export interface IdentityReaderContext {
  /** The variable's value without white space around it; undefined if that is empty. */
  raw(name: string): string | undefined;
  list(name: string): readonly string[];
  /** Checks an exact web origin. */
  origin(name: string, value: string): string;
  readonly report: Report;
}

/** The readers of these settings over one environment. */
export function identityReaders({ raw, list, origin, report }: IdentityReaderContext) {
  return {
    identityProviders(name: string): readonly IdentityProviderSettings[] {
      const value = raw(name);
      return value === undefined ? [] : parseIdentityProviders(name, value, report);
    },

    /** Web origins, and schemes of native apps such as `com.example.app:`. */
    returnToOrigins: (name: string): readonly string[] =>
      list(name).map((value) => (isPrivateScheme(value) ? value : origin(name, value))),
  };
}

/** Where a browser may be sent after a sign-in: RETURN_TO_ORIGINS, or else the origins of PUBLIC_URL and APP_URL. */
export function returnToOriginsOf(settings: {
  readonly configured: readonly string[];
  readonly publicUrl: string;
  readonly appUrl: string | undefined;
}): ReadonlySet<string> {
  const { configured, publicUrl, appUrl } = settings;
  if (configured.length > 0) return new Set(configured);
  return new Set([publicUrl, appUrl ?? publicUrl].map((url) => new URL(url).origin));
}
