/** The second factor that a client presents: exactly one of several. */
import type { Executor } from '../db/database.js';
import type { ClientInfo } from '../lib/client-info.js';
import { validationError } from '../lib/errors.js';
import { normalizeCode } from './codes.js';
import type { VerifyFactor } from './factors/verify-factor.js';

/** The values by kind; null and undefined for those that are not presented. */
export interface FactorInput {
  readonly totp?: string | null | undefined;
  readonly recoveryCode?: string | null | undefined;
  /** AuthenticationResponseJSON of WebAuthn; any value is accepted and verified. */
  readonly passkey?: unknown;
}

/** The code of an authenticator app has six digits. */
const TOTP = /^[0-9]{6}$/;

/** The factor that a person typed into a field for both kinds of codes. */
export function factorOf(code: string): FactorInput {
  return TOTP.test(normalizeCode(code)) ? { totp: code } : { recoveryCode: code };
}

/** The verification of each kind. */
export interface FactorVerifiers {
  readonly totp: VerifyFactor<string>;
  readonly recoveryCode: VerifyFactor<string>;
  readonly passkey: VerifyFactor<unknown>;
}

/** One presented factor, whose value is bound to its verification. */
export interface PresentedFactor {
  /** For the audit log. */
  readonly name: string;
  /** Whether it is short enough to be guessed, so that the lockout concerns it. */
  readonly isGuessable: boolean;
  /** As `VerifyFactor`. */
  verify(tx: Executor, userId: string, client: ClientInfo): Promise<readonly string[] | undefined>;
}

/** The presented factors, of which a client should send one. */
export function presentedFactors(
  { totp, recoveryCode, passkey }: FactorInput,
  verifiers: FactorVerifiers,
): readonly PresentedFactor[] {
  const factors: PresentedFactor[] = [];
  if (totp != null)
    factors.push({
      name: 'totp',
      isGuessable: true,
      verify: (tx, userId, client) => verifiers.totp(tx, userId, totp, client),
    });
  if (recoveryCode != null)
    factors.push({
      name: 'recovery code',
      isGuessable: false,
      verify: (tx, userId, client) => verifiers.recoveryCode(tx, userId, recoveryCode, client),
    });
  if (passkey != null)
    factors.push({
      name: 'passkey',
      isGuessable: false,
      verify: (tx, userId, client) => verifiers.passkey(tx, userId, passkey, client),
    });
  return factors;
}

/** Names the fields of which a client must send exactly one. */
export function exactlyOne(fields: readonly string[]) {
  return validationError(fields.map((field) => ({ field, message: `send exactly one of ${fields.join(', ')}` })));
}
