/** The services that resolvers may call. */
import type { Login } from '../accounts/login.js';
import type { UpdateProfile } from '../accounts/profile.js';
import type { Register } from '../accounts/registration.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { RateLimits } from '../rate-limits/service.js';
import type { Sessions } from '../sessions/service.js';
import type { AccessTokens } from '../tokens/access-tokens.js';

export interface Services {
  readonly register: Register;
  readonly login: Login;
  readonly updateProfile: UpdateProfile;
  readonly sessions: Sessions;
  readonly accessTokens: AccessTokens;
  readonly scopes: ScopeCatalogue;
  readonly rateLimits: RateLimits;
  /** Counts logins by outcome, for the metrics. */
  countLogin(outcome: string): void;
}
