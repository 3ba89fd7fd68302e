/**
 * A new password, by who can read the account's mail (OWASP Forgot Password Cheat Sheet). A request does the same for
 * every address: one row in the outbox. Whether there is an account is found out when the mail is made.
 */
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError, validationError } from '../lib/errors.js';
import type { Lockout } from './lockout.js';
import { MAILED_LINK, type IssuedSession } from '../sessions/service.js';
import type { AccountRecord } from '../users/account.js';
import { passwordChanged, type NewPasswordOptions } from './change-password.js';
import { emailError, emailKey, namesOf } from '../users/identifiers.js';
import { assertNewPassword } from '../users/input.js';
import { createAccountRepository } from '../users/repository.js';

export interface PasswordReset {
  readonly token: string;
  readonly password: string;
  readonly passwordConfirmation?: string | null | undefined;
}

export interface Recovery {
  /** Sees to it that a link is mailed if there is an account. @throws AppError VALIDATION_ERROR for what is no address */
  request(email: string, client: ClientInfo): Promise<void>;
  /**
   * Changes the password, ends every session and voids every token of the account, and opens a session.
   * @throws AppError INVALID_TOKEN, VALIDATION_ERROR with the token still unused, SERVICE_UNAVAILABLE
   */
  reset(reset: PasswordReset, client: ClientInfo): Promise<IssuedSession>;
  /** The same without opening a session. */
  resetOnly(reset: PasswordReset, client: ClientInfo): Promise<void>;
}

export interface RecoveryOptions extends NewPasswordOptions {
  readonly lockout: Pick<Lockout, 'reset'>;
}

export function createRecovery(options: RecoveryOptions): Recovery {
  const { db, clock, audit, sessions, revocation, hasher, passwords, tokens, outbox, changes, devices, lockout } =
    options;
  const repository = createAccountRepository(db.executor);

  async function apply<T>(
    { token, password, passwordConfirmation }: PasswordReset,
    client: ClientInfo,
    then: (tx: typeof db.executor, account: AccountRecord) => Promise<T>,
  ): Promise<T> {
    const subject = await tokens.peek(db.executor, 'password_reset', token);
    const found = subject && (await repository.findById(subject.userId));
    if (!found) throw invalidLink();
    await assertNewPassword(passwords, found.account, password, passwordConfirmation);
    const passwordHash = await hasher.hash(passwords.normalize(password), widestNetwork(client.ipAddress));
    const result = await db.transaction(async (tx) => {
      const now = new Date(clock.now());
      const accounts = createAccountRepository(tx);
      // The account before its tokens, here as everywhere, so that no two wait for each other.
      const current = await accounts.lockWithKeys(subject.userId);
      const taken = await tokens.take(tx, 'password_reset', token, 'password_reset');
      // Good for the address that it was mailed to: who reads a former one is nobody.
      if (!taken || taken.emailKey !== current?.emailKey) throw invalidLink();
      // The mailed link confirms the address and cancels a pending change, which a thief may have requested.
      const account = await accounts.update(
        taken.userId,
        {
          passwordHash,
          isVerified: true,
          // Claims an address that was unconfirmed (REVEAL_TAKEN_EMAILS=false).
          emailKey: emailKey(current.account.email),
          pendingEmail: null,
          pendingEmailKey: null,
          lastLoginAt: now,
        },
        now,
      );
      if (!account) throw invalidLink();
      await changes.notePasswordChange(tx, account.id);
      await tokens.void(tx, account.id);
      await revocation.endAll(tx, account.id);
      // The failures before are most likely the owner's own.
      await lockout.reset(tx, account.id, namesOf(account), client);
      await devices.forgetAll(tx, account.id);
      await audit.record(tx, { type: 'password.reset', userId: account.id, client });
      await outbox.enqueue(tx, passwordChanged(account));
      return then(tx, account);
    });
    outbox.wake();
    return result;
  }

  return {
    async request(email, client) {
      if (emailError(email) !== undefined)
        throw validationError([{ field: 'email', message: 'must be an e-mail address' }]);
      const { ipAddress, userAgent } = client;
      await outbox.enqueue(db.executor, {
        kind: 'password_reset',
        userId: null,
        address: emailKey(email),
        detail: { ipAddress, userAgent },
      });
      // No kick: what is done for an account that there is, is done apart from the request, where nobody can time it.
    },

    reset: (reset, client) =>
      apply(reset, client, (tx, account) => sessions.open(tx, account, { client, rememberMe: false }, MAILED_LINK)),

    resetOnly: (reset, client) => apply(reset, client, async () => undefined),
  };
}

/** One answer, whatever is wrong with a mailed token. */
export function invalidLink(): AppError {
  return new AppError('INVALID_TOKEN', 'The link is not valid any more; ask for a new one.');
}
