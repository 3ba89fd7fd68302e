/** Changes a password after verifying the current one. All other sessions end (OWASP ASVS 5.0, 6.2.3 and 7.4.3). */
import type { Audit } from '../audit/audit.js';
import { widestNetwork } from '../lib/client-address.js';
import type { Clock } from '../lib/clock.js';
import type { PasswordHasher } from '../crypto/password-hasher.js';
import type { Database } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { KnownDevices } from '../known-devices/service.js';
import type { ConfirmOwner, Owner } from './confirm-owner.js';
import type { PasswordPolicy } from './policy.js';
import { invalidCredentials } from './verify.js';
import type { Revocation } from '../sessions/revocation.js';
import type { IssuedSession, Sessions } from '../sessions/service.js';
import type { AccountRecord } from '../users/account.js';
import type { IdentifierChanges } from '../identifier-changes/service.js';
import { assertNewPassword } from '../users/input.js';
import { createAccountRepository } from '../users/repository.js';

export interface PasswordChange {
  /** Not needed by an account without a password. */
  readonly currentPassword?: string | null | undefined;
  readonly newPassword: string;
  readonly newPasswordConfirmation?: string | null | undefined;
}

/**
 * Changes the password and renews the caller's session.
 * @throws AppError VALIDATION_ERROR, INVALID_CREDENTIALS, STEP_UP_REQUIRED, INVALID_TOKEN if the session ended meanwhile,
 * RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
 */
export type ChangePassword = (change: PasswordChange, owner: Owner) => Promise<IssuedSession>;

export interface NewPasswordOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly revocation: Revocation;
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
  readonly tokens: OneTimeTokens;
  readonly outbox: Outbox;
  readonly changes: IdentifierChanges;
  readonly devices: Pick<KnownDevices, 'forgetAll'>;
}

export interface ChangePasswordOptions extends NewPasswordOptions {
  readonly confirmOwner: ConfirmOwner;
}

export function createChangePassword(options: ChangePasswordOptions): ChangePassword {
  const { db, clock, audit, sessions, revocation, hasher, passwords, tokens, outbox, changes, devices, confirmOwner } =
    options;
  const repository = createAccountRepository(db.executor);

  return async ({ currentPassword, newPassword, newPasswordConfirmation }, owner) => {
    const { userId, sessionId, client } = owner;
    const found = await repository.findById(userId);
    if (!found) throw new AppError('USER_NOT_FOUND', 'The account no longer exists.');
    await assertNewPassword(passwords, found.account, newPassword, newPasswordConfirmation, {
      password: 'newPassword',
      confirmation: 'newPasswordConfirmation',
    });
    const password = { field: 'currentPassword', value: currentPassword };
    const issued = await confirmOwner(found, password, owner, async ({ passwordHash, resetFailures }) => {
      const nextHash = await hasher.hash(passwords.normalize(newPassword), widestNetwork(client.ipAddress));
      return db.transaction(async (tx) => {
        const accounts = createAccountRepository(tx);
        // An attacker may have requested the pending address; the notice tells the owner to change the password.
        const pending = (await accounts.lock(userId))?.pendingEmail != null;
        const columns = { passwordHash: nextHash, pendingEmail: null, pendingEmailKey: null };
        const changed = await accounts.update(userId, columns, new Date(clock.now()), passwordHash);
        if (!changed) throw invalidCredentials();
        await resetFailures(tx);
        await changes.recordPasswordChange(tx, userId);
        await devices.forgetAll(tx, userId, client.device);
        await tokens.void(tx, userId, pending ? undefined : ['password_reset']);
        if (pending)
          await audit.record(tx, { type: 'email.change_requested', userId, sessionId, client, detail: 'taken back' });
        await revocation.endAll(tx, userId, sessionId);
        await audit.record(tx, { type: 'password.changed', userId, sessionId, client });
        await outbox.enqueue(tx, passwordChanged(changed));
        return sessions.renew(tx, changed, sessionId, client);
      });
    });
    outbox.wake();
    return issued;
  };
}

/** The notice to the owner after a change or a reset. */
export function passwordChanged({ id, email }: Pick<AccountRecord, 'id' | 'email'>) {
  return { kind: 'password_changed', userId: id, address: email, detail: {} } as const;
}
