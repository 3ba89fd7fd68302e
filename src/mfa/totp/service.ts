/** Authenticator apps: enrolment, confirmed by a code, removal and verification. Secrets are encrypted at rest. */
import type { Encryption } from '../../crypto/encryption.js';
import type { Database, Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { AppError, invalidCode, validationError } from '../../lib/errors.js';
import type { AccountRecord } from '../../users/account.js';
import { createAccountRepository } from '../../users/repository.js';
import type { Factors } from '../factors/service.js';
import type { VerifyFactor } from '../factors/verify-factor.js';
import type { RecoveryCodes } from '../recovery-codes/service.js';
import { createTotpSecret, stepOfCode, totpUri } from './codes.js';
import { createTotpRepository, type TotpRow } from './repository.js';

/** An enrolment that waits for a code. */
export interface TotpEnrollment {
  /** In base32, for apps that cannot read the QR code. */
  readonly secret: string;
  /** `otpauth://`, for a QR code. */
  readonly uri: string;
  readonly expiresAt: Date;
}

/** The owner in a session of their own. */
export interface FactorOwner {
  readonly userId: string;
  readonly sessionId: string;
  readonly client: ClientInfo;
}

export interface TotpFactors {
  /** Starts an enrolment, in place of an earlier one. It changes nothing until a code confirms it. */
  start(account: Pick<AccountRecord, 'id' | 'email'>): Promise<TotpEnrollment>;
  /**
   * Confirms the enrolment with a code of the app, which replaces an earlier app.
   * @returns new recovery codes; undefined if the account has some
   * @throws AppError INVALID_CODE; VALIDATION_ERROR if no enrolment was started or it has expired
   */
  confirm(code: string, owner: FactorOwner): Promise<readonly string[] | undefined>;
  /** @throws AppError NOT_FOUND if the account has no authenticator app; what `Factors.removed` throws */
  remove(owner: FactorOwner): Promise<void>;
  readonly verify: VerifyFactor<string>;
  /** Deletes up to `limit` expired enrolments; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface TotpOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly encryption: Encryption;
  readonly factors: Pick<Factors, 'added' | 'removed'>;
  readonly recoveryCodes: Pick<RecoveryCodes, 'createIfNone'>;
  /** The name that apps show beside the account. */
  readonly issuer: string;
  readonly log: { warn(fields: object, message: string): void };
}

const ENROLLMENT_MS = 600_000;

export function createTotpFactors(options: TotpOptions): TotpFactors {
  const { db, clock, encryption, factors, recoveryCodes, issuer, log } = options;
  const now = () => new Date(clock.now());
  const encrypt = (secret: string, userId: string) => encryption.encrypt(secret, `totp ${userId}`);

  /** Undefined, with a warning, if the AUTH_SECRET that encrypted it is no longer set. */
  function decrypt({ secret, userId }: Pick<TotpRow, 'secret' | 'userId'>): string | undefined {
    const decrypted = encryption.decrypt(secret, `totp ${userId}`);
    if (decrypted === undefined)
      log.warn({ userId }, 'An authenticator app cannot be verified: its AUTH_SECRET is no longer set');
    return decrypted;
  }

  return {
    async start({ id: userId, email }) {
      const secret = createTotpSecret();
      const expiresAt = new Date(clock.now() + ENROLLMENT_MS);
      const row = { userId, secret: encrypt(secret, userId), createdAt: now(), expiresAt };
      await createTotpRepository(db.executor).upsertEnrollment(row);
      return { secret, uri: totpUri(secret, issuer, email), expiresAt };
    },

    async confirm(code, { userId, sessionId, client }) {
      const enrollment = await createTotpRepository(db.executor).findEnrollment(userId, now());
      if (!enrollment) throw notStarted();
      const secret = decrypt(enrollment);
      if (secret === undefined) throw notStarted();
      const lastStep = stepOfCode(secret, code, clock.now());
      if (lastStep === undefined) throw invalidCode();
      return db.transaction(async (tx) => {
        await createAccountRepository(tx).lock(userId);
        const repository = createTotpRepository(tx);
        if (!(await repository.takeEnrollment(enrollment))) throw notStarted();
        const createdAt = now();
        // The code that confirmed the app does not sign in afterwards.
        await repository.upsert({ userId, secret: encrypt(secret, userId), lastStep, createdAt, lastUsedAt: null });
        await factors.added(tx, { userId, sessionId, client, type: 'totp.added', methods: ['otp'] });
        return recoveryCodes.createIfNone(tx, { userId, sessionId, client });
      });
    },

    async remove({ userId, sessionId, client }) {
      await db.transaction(async (tx) => {
        await createAccountRepository(tx).lock(userId);
        if (!(await createTotpRepository(tx).delete(userId))) throw noTotp();
        await factors.removed(tx, { userId, sessionId, client, type: 'totp.removed' });
      });
    },

    async verify(tx, userId, code) {
      const repository = createTotpRepository(tx);
      const row = await repository.find(userId);
      if (!row) return undefined;
      const secret = decrypt(row);
      if (secret === undefined) return undefined;
      const step = stepOfCode(secret, code, clock.now());
      if (step === undefined) return undefined;
      // Encrypted with the current AUTH_SECRET at each use, so that earlier ones can be removed.
      return (await repository.acceptStep(row, step, encrypt(secret, userId), now())) ? ['otp'] : undefined;
    },

    clear: (tx, limit) => createTotpRepository(tx).deleteExpired(now(), limit),
  };
}

function notStarted() {
  return validationError([{ field: 'code', message: 'confirms no enrolment; start one first' }]);
}

function noTotp() {
  return new AppError('NOT_FOUND', 'The account has no authenticator app.');
}
