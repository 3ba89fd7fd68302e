/** The services that resolvers may call. */
import type { ChangePassword } from '../../passwords/change-password.js';
import type { Deletion } from '../../users/deletion.js';
import type { IdentifierChanges } from '../../identifier-changes/service.js';
import type { EmailLogin } from '../../email-codes/login.js';
import type { Login } from '../../passwords/login.js';
import type { UpdateProfile } from '../../users/profile.js';
import type { Recovery } from '../../passwords/reset.js';
import type { Register } from '../../users/registration.js';
import type { Verification } from '../../email-verification/service.js';
import type { SecondFactorLogin } from '../../mfa/login.js';
import type { SecondFactorPolicy } from '../../mfa/policy.js';
import type { Reauthenticate } from '../../mfa/reauthenticate.js';
import type { RecoveryCodes } from '../../mfa/recovery-codes/service.js';
import type { FactorStatus } from '../../mfa/status.js';
import type { StepUpMethods } from '../../mfa/step-up.js';
import type { TotpFactors } from '../../mfa/totp/service.js';
import type { Administration } from '../../admin/service.js';
import type { Audit } from '../../audit/audit.js';
import type { AuditFeed } from '../../audit/feed.js';
import type { KnownDevices } from '../../known-devices/service.js';
import type { RateLimits } from '../../rate-limits/service.js';
import type { Revocation } from '../../sessions/revocation.js';
import type { SessionListing } from '../../sessions/listing-repository.js';
import type { Sessions } from '../../sessions/service.js';
import type { AccessTokens } from '../../sessions/access-tokens.js';

export interface Services {
  readonly register: Register;
  readonly login: Login;
  readonly emailLogin: EmailLogin;
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
  readonly totp: TotpFactors;
  readonly recoveryCodes: RecoveryCodes;
  readonly factorStatus: FactorStatus;
  readonly secondFactorLogin: SecondFactorLogin;
  readonly reauthenticate: Reauthenticate;
  readonly secondFactorPolicy: SecondFactorPolicy;
  readonly stepUpMethods: StepUpMethods;
  readonly audit: Audit;
  readonly feed: AuditFeed;
  readonly accessTokens: AccessTokens;
  readonly rateLimits: RateLimits;
  /** Counts logins by outcome, for the metrics. */
  countLogin(outcome: string): void;
}
