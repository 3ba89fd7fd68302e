/**
 * Resets a password with a mailed token (OWASP Forgot Password Cheat Sheet). A request inserts one outbox row for every address;
 * the account is looked up when the email is composed, so the response does not reveal whether it exists.
 */
import { widestNetwork } from '../lib/client-address.js';
import type { VoidIdentities } from '../identities/void.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError, invalidCode, validationError } from '../lib/errors.js';
import { createFactorRepository } from '../mfa/factors/repository.js';
import { factorOf as codeFactor, presentedFactors, type FactorVerifiers } from '../mfa/presented-factor.js';
import type { Lockout } from './lockout.js';
import { MAILED_LINK } from '../sessions/params.js';
import type { SignIn } from '../sessions/sign-in.js';
import type { AccountRecord } from '../users/account.js';
import { passwordChanged, type NewPasswordOptions } from './change-password.js';
import { emailError, emailKey, namesOf } from '../users/identifiers.js';
import { assertNewPassword } from '../users/input.js';
import { createAccountRepository } from '../users/repository.js';

export interface PasswordReset {
  readonly token: string;
  readonly password: string;
  readonly passwordConfirmation?: string | null | undefined;
  /** How the client gets the refresh token; BODY if left out. */
  readonly transport?: 'BODY' | 'COOKIE' | null | undefined;
}

/** The form of the page, which opens no session. */
export interface PasswordResetWithCode extends Omit<PasswordReset, 'transport'> {
  /** Of an authenticator app, or a recovery code. */
  readonly code?: string | undefined;
}

export interface Recovery {
  /** Queues a reset link, which is sent if the account exists. @throws AppError VALIDATION_ERROR for an invalid address */
  request(email: string, client: ClientInfo): Promise<void>;
  /**
   * Changes the password, ends all sessions, voids all tokens of the account, and opens a session; issues a
   * challenge instead if the account has a second factor.
   * @throws AppError INVALID_TOKEN, VALIDATION_ERROR (the token stays valid), SERVICE_UNAVAILABLE
   */
  reset(reset: PasswordReset, client: ClientInfo): Promise<SignIn>;
  /**
   * As `reset`, but opens no session. If the account has codes, verifies one before the password changes.
   * @throws AppError also VALIDATION_ERROR without a code, INVALID_CODE, RATE_LIMIT_EXCEEDED; the token stays valid
   */
  resetOnly(reset: PasswordResetWithCode, client: ClientInfo): Promise<void>;
  /** The second factor of the account of a token, as the page treats it. */
  factorOnPage(token: string): Promise<FactorOnPage>;
}

/** The page asks for a `code`, of an authenticator app or for recovery. It has no script, so it cannot ask for a `passkey`. */
export type FactorOnPage = 'none' | 'code' | 'passkey';

export interface RecoveryOptions extends NewPasswordOptions {
  readonly voidIdentities: VoidIdentities;
  readonly lockout: Pick<Lockout, 'attempt' | 'reset'>;
  readonly verifiers: FactorVerifiers;
}

/** Rolls the transaction back, which leaves the token valid and the password unchanged. */
class WrongCode extends Error {}

export function createRecovery(options: RecoveryOptions): Recovery {
  const {
    db,
    clock,
    audit,
    sessions,
    revocation,
    hasher,
    passwords,
    tokens,
    outbox,
    changes,
    devices,
    voidIdentities,
    lockout,
    verifiers,
  } = options;
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
      // Every transaction locks the account before its tokens, which prevents deadlocks.
      const current = await accounts.lockWithKeys(subject.userId);
      const taken = await tokens.take(tx, 'password_reset', token, 'password_reset');
      // The token is valid only for the address that it was sent to, not after an address change.
      if (!taken || taken.emailKey !== current?.emailKey) throw invalidLink();
      // The mailed link confirms the address and cancels a pending change, which an attacker may have requested.
      const account = await accounts.update(
        taken.userId,
        {
          passwordHash,
          // Not if a second factor was set up before the address was confirmed: a stranger may have registered with it.
          isVerified: current.account.isVerified || !current.account.hasSecondFactor,
          // Claims an unconfirmed address (REVEAL_TAKEN_EMAILS=false).
          emailKey: emailKey(current.account.email),
          pendingEmail: null,
          pendingEmailKey: null,
          lastLoginAt: now,
        },
        now,
      );
      if (!account) throw invalidLink();
      await changes.recordPasswordChange(tx, account.id);
      await tokens.void(tx, account.id);
      // As for the first sign-in with a mailed code: a stranger may have made the keys and linked identities before the address was confirmed.
      if (account.isVerified && !current.account.isVerified) {
        await revocation.endAccess(tx, account.id, { client });
        await voidIdentities(tx, account, client);
      } else await revocation.endAll(tx, account.id);
      // Earlier failures are most likely the owner's.
      await lockout.reset(tx, account.id, namesOf(account), client);
      await devices.forgetAll(tx, account.id);
      await audit.record(tx, { type: 'password.reset', userId: account.id, client });
      await outbox.enqueue(tx, passwordChanged(account));
      return then(tx, account);
    });
    outbox.wake();
    return result;
  }

  async function factorOf(userId: string | undefined): Promise<FactorOnPage> {
    const kinds = userId === undefined ? undefined : await createFactorRepository(db.executor).kindsOf(userId);
    if (kinds?.totp || kinds?.recoveryCode) return 'code';
    return kinds?.passkey ? 'passkey' : 'none';
  }

  /** The account of a token, if the page asks it for a code. */
  async function ownerOfCodes(token: string): Promise<AccountRecord | undefined> {
    const subject = await tokens.peek(db.executor, 'password_reset', token);
    if ((await factorOf(subject?.userId)) !== 'code') return undefined;
    return (await repository.findById(subject!.userId))?.account;
  }

  /**
   * Accepts a right code also while the account is locked after wrong passwords, because this is how its owner unlocks it. Waits
   * apply.
   */
  async function applyWithCode(reset: PasswordResetWithCode, owner: AccountRecord, client: ClientInfo): Promise<void> {
    const [factor] = presentedFactors(codeFactor(reset.code ?? ''), verifiers);
    if (!factor || !reset.code?.trim())
      throw validationError([{ field: 'code', message: 'is needed, because the account has a second factor' }]);
    const { id: userId } = owner;
    await lockout.attempt({ userId, names: namesOf(owner), isSecondStep: true }, client, async (attempt) => {
      const work = apply(reset, client, async (tx) => {
        if (!(await factor.verify(tx, userId, client))) throw new WrongCode();
        await audit.record(tx, { type: 'second_factor.used', userId, client, detail: factor.name });
        await attempt.resetFailures(tx);
      });
      await work.catch(async (error: unknown) => {
        if (!(error instanceof WrongCode)) throw error;
        await attempt.recordFailure({ type: 'second_factor.failed', detail: factor.name });
        throw invalidCode();
      });
    });
  }

  return {
    async request(email, client) {
      if (emailError(email) !== undefined)
        throw validationError([{ field: 'email', message: 'must be an email address' }]);
      const { ipAddress, userAgent } = client;
      await outbox.enqueue(db.executor, {
        kind: 'password_reset',
        userId: null,
        address: emailKey(email),
        detail: { ipAddress, userAgent },
      });
      // Does not wake the outbox: the work for an existing account must not affect the timing of this request.
    },

    reset: (reset, client) =>
      apply(reset, client, (tx, account) => {
        const params = { client, rememberMe: false, transport: reset.transport ?? 'BODY' } as const;
        return sessions.open(tx, account, params, MAILED_LINK);
      }),

    async resetOnly(reset, client) {
      const owner = await ownerOfCodes(reset.token);
      if (owner) await applyWithCode(reset, owner, client);
      else await apply(reset, client, async () => undefined);
    },

    factorOnPage: async (token) => factorOf((await tokens.peek(db.executor, 'password_reset', token))?.userId),
  };
}

/** The same error for every invalid mailed token. */
export function invalidLink(): AppError {
  return new AppError('INVALID_TOKEN', 'The link is no longer valid; request a new one.');
}
