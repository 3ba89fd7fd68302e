/** Creates the services of identities with their dependencies. */
import type { Audit } from '../audit/audit.js';
import type { Database } from '../db/database.js';
import type { IdentifierChanges } from '../identifier-changes/service.js';
import type { Clock } from '../lib/clock.js';
import type { Outbox } from '../mail/outbox.js';
import type { WaysToSignIn } from '../mfa/factors/repository.js';
import type { Sessions } from '../sessions/service.js';
import { createAccountCreation } from './accounts.js';
import { createIdentityFlows } from './flows.js';
import { createIdentityLinks } from './links.js';
import { createIdentityLogins, type PlexTokens } from './login.js';
import type { IdentityProvider } from './provider.js';

/** What the configuration says of identities. */
export interface IdentitySettings {
  /** By id. */
  readonly providers: ReadonlyMap<string, IdentityProvider>;
  /** RETURN_TO_ORIGINS: web origins, and schemes such as `com.example.app:`. */
  readonly returnToOrigins: ReadonlySet<string>;
  /** Undefined unless PLEX_ACCEPT_TOKENS is on. */
  readonly plexTokens: PlexTokens | undefined;
}

export interface IdentitiesOptions extends IdentitySettings {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly outbox: Outbox;
  readonly sessions: Sessions;
  readonly changes: IdentifierChanges;
  readonly ways: WaysToSignIn;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs: number | undefined;
  readonly publicUrl: string;
  readonly log: { warn(fields: object, message: string): void };
}

export type Identities = ReturnType<typeof createIdentities>;

export function createIdentities(options: IdentitiesOptions) {
  const flows = createIdentityFlows(options);
  const createAccount = createAccountCreation(options);
  return {
    flows,
    logins: createIdentityLogins({ ...options, flows, createAccount }),
    links: createIdentityLinks({ ...options, flows }),
  };
}
