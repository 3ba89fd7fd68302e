/** The services that resolvers may call. */
import type { ChangePassword } from '../accounts/change-password.js';
import type { Deletion } from '../accounts/deletion.js';
import type { IdentifierChanges } from '../accounts/identifier-changes.js';
import type { Login } from '../accounts/login.js';
import type { UpdateProfile } from '../accounts/profile.js';
import type { Recovery } from '../accounts/recovery.js';
import type { Register } from '../accounts/registration.js';
import type { Verification } from '../accounts/verification.js';
import type { Administration } from '../admin/service.js';
import type { Audit } from '../audit/audit.js';
import type { AuditFeed } from '../audit/feed.js';
import type { KnownDevices } from '../passwords/devices.js';
import type { RateLimits } from '../rate-limits/service.js';
import type { Revocation } from '../sessions/revocation.js';
import type { SessionListing } from '../sessions/listing-repository.js';
import type { Sessions } from '../sessions/service.js';
import type { AccessTokens } from '../tokens/access-tokens.js';

export interface Services {
  readonly register: Register;
  readonly login: Login;
  readonly updateProfile: UpdateProfile;
  readonly changePassword: ChangePassword;
  readonly recovery: Recovery;
  readonly verification: Verification;
  readonly changes: IdentifierChanges;
  readonly devices: KnownDevices;
  readonly deletion: Deletion;
  readonly sessions: Sessions;
  readonly sessionListing: SessionListing;
  readonly revocation: Revocation;
  readonly administration: Administration;
  readonly audit: Audit;
  readonly feed: AuditFeed;
  readonly accessTokens: AccessTokens;
  readonly rateLimits: RateLimits;
  /** Counts logins by outcome, for the metrics. */
  countLogin(outcome: string): void;
}
