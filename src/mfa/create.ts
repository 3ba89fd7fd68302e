/** Creates the services of second factors with their dependencies. */
import type { Audit } from '../audit/audit.js';
import { relyingPartyOf, type RelyingPartySettings } from '../config/relying-party.js';
import { createEncryption } from '../crypto/encryption.js';
import type { Database } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import type { Outbox } from '../mail/outbox.js';
import type { Lockout } from '../passwords/lockout.js';
import type { ConfirmPassword } from '../passwords/verify.js';
import type { Revocation } from '../sessions/revocation.js';
import type { Sessions } from '../sessions/service.js';
import type { Challenges } from './challenges/service.js';
import type { WaysToSignIn } from './factors/repository.js';
import { createFactors } from './factors/service.js';
import { createSecondFactorLogin } from './login.js';
import { createPasskeyAuthentication } from './passkeys/authentication.js';
import { createCeremonies } from './passkeys/ceremonies.js';
import { createCeremonyChallenges } from './passkeys/challenges.js';
import { createLoginWithPasskey } from './passkeys/login.js';
import { createPasskeys } from './passkeys/service.js';
import type { SecondFactorPolicy } from './policy.js';
import { createReauthenticate } from './reauthenticate.js';
import { createRecoveryCodes } from './recovery-codes/service.js';
import { createFactorStatus } from './status.js';
import { createStepUpMethods } from './step-up.js';
import { createTotpFactors } from './totp/service.js';

export interface SecondFactorOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly outbox: Outbox;
  readonly sessions: Sessions;
  readonly revocation: Revocation;
  readonly challenges: Challenges;
  readonly lockout: Lockout;
  readonly confirmPassword: ConfirmPassword;
  readonly policy: SecondFactorPolicy;
  /** The values of AUTH_SECRET; the first is current. */
  readonly secrets: readonly string[];
  /** The name of the service in authenticator apps and in the browser's dialogs. */
  readonly appName: string;
  readonly relyingParty: RelyingPartySettings;
  readonly ways: WaysToSignIn;
  readonly log: { warn(fields: object, message: string): void };
}

export function createSecondFactors(options: SecondFactorOptions) {
  const { db, clock, secrets, appName, log } = options;
  const factors = createFactors(options);
  const recoveryCodes = createRecoveryCodes({ db, clock, factors });
  const encryption = createEncryption(secrets, 'totp-secret');
  const totp = createTotpFactors({ db, clock, encryption, factors, recoveryCodes, issuer: appName, log });

  const ceremonies = createCeremonies(relyingPartyOf(options.relyingParty), appName);
  const passkeyChallenges = createCeremonyChallenges({ clock });
  const passkeyAuthentication = createPasskeyAuthentication({ ...options, factors, ceremonies, passkeyChallenges });

  const verifiers = {
    totp: totp.verify,
    recoveryCode: recoveryCodes.verify,
    passkey: passkeyAuthentication.verify,
  };
  const stepUpMethods = createStepUpMethods(db.executor);
  return {
    factors,
    totp,
    recoveryCodes,
    passkeys: createPasskeys({ ...options, factors, ceremonies, passkeyChallenges }),
    passkeyChallenges,
    passkeyAuthentication,
    loginWithPasskey: createLoginWithPasskey({ ...options, ceremonies, passkeyChallenges, passkeyAuthentication }),
    factorStatus: createFactorStatus(db.executor),
    stepUpMethods,
    verifiers,
    secondFactorLogin: createSecondFactorLogin({ ...options, verifiers }),
    reauthenticate: createReauthenticate({ ...options, verifiers, stepUpMethods }),
  };
}
