/** Confirms email addresses: that of a new account, or a pending new address. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import type { Outbox } from '../mail/outbox.js';
import type { OneTimeTokens, TokenOutcome } from '../one-time-tokens/service.js';
import type { RateLimits } from '../rate-limits/service.js';
import type { AccountRecord } from '../users/account.js';
import type { IdentifierChanges } from '../identifier-changes/service.js';
import { emailKey } from '../users/identifiers.js';
import { invalidLink } from '../passwords/reset.js';
import { isPlaceholderEmail, createPlaceholderEmail } from '../users/placeholder-email.js';
import { asTakenError } from '../users/taken-names.js';
import { createAccountRepository, type AccountChanges } from '../users/repository.js';

export interface Verification {
  /**
   * Queues a link to the unconfirmed or pending address. Does nothing if there is none.
   * @throws AppError RATE_LIMIT_EXCEEDED
   */
  request(account: AccountRecord, client: ClientInfo): Promise<void>;
  /** Counts an email to an address of the user's choice. @throws AppError RATE_LIMIT_EXCEEDED */
  charge(userId: string, client: ClientInfo): Promise<void>;
  /**
   * Voids all confirmation links in the caller's transaction. Call it when another address becomes pending, which may have the
   * same normalised form as the previous one.
   */
  void(tx: Executor, userId: string): Promise<void>;
  /** Queues a link in the caller's transaction. */
  enqueue(tx: Executor, userId: string, address: string, client: ClientInfo): Promise<void>;
  /**
   * Confirms the address to which the token was sent.
   * @throws AppError INVALID_TOKEN; VALIDATION_ERROR if another account has the address by now
   */
  verify(token: string, client: ClientInfo): Promise<AccountRecord>;
  /**
   * Removes the address from the account at the request of the mailbox owner: cancels a pending change, or replaces an
   * unconfirmed address by a placeholder. The account stays, because its owner may have mistyped the address.
   * @throws AppError INVALID_TOKEN, also if the address is already confirmed
   */
  reject(token: string, client: ClientInfo): Promise<void>;
}

export interface VerificationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly tokens: OneTimeTokens;
  readonly rateLimits: RateLimits;
  readonly outbox: Outbox;
  readonly changes: IdentifierChanges;
}

/** Confirmation emails of one account; protects other people's mailboxes. */
const MAILS = { max: 5, windowMs: 3_600_000 };

export function createVerification(options: VerificationOptions): Verification {
  const { db, clock, audit, tokens, rateLimits, outbox, changes } = options;

  /** Consumes a token; undefined if the address is no longer the account's current or pending one. */
  async function takeClaim(tx: Executor, token: string, outcome: TokenOutcome) {
    const subject = await tokens.peek(tx, 'email_verification', token);
    // Every transaction locks the account before its tokens, which prevents deadlocks.
    const found = subject && (await createAccountRepository(tx).lockWithKeys(subject.userId));
    const taken = found && (await tokens.take(tx, 'email_verification', token, outcome));
    if (!taken) return undefined;
    const { account, emailKey: presentKey, pendingEmailKey } = found;
    const { userId, emailKey: key } = taken;
    if (account.pendingEmail !== null && pendingEmailKey === key)
      return { userId, key, account, presentKey, pendingEmail: account.pendingEmail };
    return emailKey(account.email) === key ? { userId, key, account, presentKey, pendingEmail: undefined } : undefined;
  }

  const updateAccount = (tx: Executor, userId: string, columns: AccountChanges) =>
    createAccountRepository(tx).update(userId, columns, new Date(clock.now()));

  /** Confirms the address; undefined if the token is no longer valid. */
  async function confirm(tx: Executor, token: string, client: ClientInfo) {
    const claim = await takeClaim(tx, token, 'email_verified');
    if (!claim) return undefined;
    const { userId, key, account, pendingEmail: email, presentKey } = claim;
    const update = (columns: AccountChanges) => updateAccount(tx, userId, { ...columns, isVerified: true });
    if (email !== undefined) {
      const changed = await update({ email, emailKey: key, pendingEmail: null, pendingEmailKey: null });
      await changes.assertNotReserved(tx, { emailKey: key }, userId);
      await tokens.void(tx, userId);
      await audit.record(tx, { type: 'email.changed', userId, client });
      const { email: previous } = account;
      const changeId = await changes.record(tx, { userId, kind: 'email', previous, previousKey: presentKey }, true);
      await outbox.enqueue(tx, { kind: 'email_changed', userId, address: previous, detail: { changeId } });
      return changed;
    }
    await audit.record(tx, { type: 'email.verified', userId, client });
    if (presentKey === key) return update({});
    // Claims the address, which no account had claimed until now.
    const claimed = await update({ emailKey: key });
    await changes.assertNotReserved(tx, { emailKey: key }, userId);
    return claimed;
  }

  /** Releases the address; undefined if the token is no longer valid or the address is confirmed. */
  async function release(tx: Executor, token: string, client: ClientInfo) {
    const claim = await takeClaim(tx, token, 'email_rejected');
    if (!claim) return undefined;
    const { userId, account, pendingEmail } = claim;
    if (pendingEmail === undefined && account.isVerified) return undefined;
    const placeholder = createPlaceholderEmail();
    const columns =
      pendingEmail === undefined
        ? { email: placeholder, emailKey: emailKey(placeholder) }
        : { pendingEmail: null, pendingEmailKey: null };
    // Links mailed to the released address must not work either.
    if (pendingEmail === undefined) await tokens.void(tx, userId, ['password_reset', 'email_verification']);
    const detail = pendingEmail === undefined ? 'unconfirmed address' : 'pending address';
    await audit.record(tx, { type: 'email.rejected', userId, actorId: null, client, detail });
    return updateAccount(tx, userId, columns);
  }

  async function enqueue(
    tx: Executor,
    userId: string,
    address: string,
    { ipAddress, userAgent }: ClientInfo,
  ): Promise<void> {
    await outbox.enqueue(tx, { kind: 'email_verification', userId, address, detail: { ipAddress, userAgent } });
  }

  const charge = (userId: string, client: ClientInfo) =>
    rateLimits.charge(`verification mail|${userId}`, MAILS, { userId, client });

  return {
    charge,
    enqueue,
    void: (tx, userId) => tokens.void(tx, userId, ['email_verification']),

    async request({ id, email, pendingEmail, isVerified }, client) {
      await charge(id, client);
      const address = pendingEmail ?? (isVerified ? undefined : email);
      if (address === undefined || isPlaceholderEmail(address)) return;
      await db.transaction(async (tx) => {
        await audit.record(tx, { type: 'email.verification_requested', userId: id, client });
        await enqueue(tx, id, address, client);
      });
      outbox.wake();
    },

    async verify(token, client) {
      try {
        const account = await db.transaction(async (tx) => {
          const changed = await confirm(tx, token, client);
          if (!changed) throw invalidLink();
          return changed;
        });
        outbox.wake();
        return account;
      } catch (error) {
        throw asTakenError(error) ?? error;
      }
    },

    async reject(token, client) {
      await db.transaction(async (tx) => {
        if (!(await release(tx, token, client))) throw invalidLink();
      });
    },
  };
}
