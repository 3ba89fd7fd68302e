/** Confirming e-mail addresses: that of a new account, or the one that is to take its place. */
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
import { isReleasedEmail, createReleasedEmail } from '../users/released-email.js';
import { asTakenError } from '../users/registration.js';
import { createAccountRepository, type AccountChanges } from '../users/repository.js';

export interface Verification {
  /**
   * Mails a link to the address that waits for it; nothing is mailed when none does.
   * @throws AppError RATE_LIMIT_EXCEEDED
   */
  request(account: AccountRecord, client: ClientInfo): Promise<void>;
  /** Counts a mail that an account causes to an address of its choice. @throws AppError RATE_LIMIT_EXCEEDED */
  charge(userId: string, client: ClientInfo): Promise<void>;
  /**
   * Voids, inside the caller's transaction, the links mailed so far: another address is to be confirmed, and that one may
   * differ from theirs only in what makes two spellings one name.
   */
  void(tx: Executor, userId: string): Promise<void>;
  /** Queues the link inside the caller's transaction. */
  enqueue(tx: Executor, userId: string, address: string, client: ClientInfo): Promise<void>;
  /**
   * Confirms the address that the token was mailed to.
   * @throws AppError INVALID_TOKEN; VALIDATION_ERROR when somebody else has the address by now
   */
  verify(token: string, client: ClientInfo): Promise<AccountRecord>;
  /**
   * Takes the address that the token was mailed to from the account, on the word of who reads its mail: cancels a pending
   * change, or gives an unconfirmed account a placeholder address. The account stays, because
   * its owner may only have mistyped the address.
   * @throws AppError INVALID_TOKEN, also for an address that is confirmed by now
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

/** Nobody needs more, and a stranger's mailbox is not to be filled. */
const MAILS = { max: 5, windowMs: 3_600_000 };

export function createVerification(options: VerificationOptions): Verification {
  const { db, clock, audit, tokens, rateLimits, outbox, changes } = options;

  /** Consumes a token; undefined when the account neither has nor awaits the address any more. */
  async function takeClaim(tx: Executor, token: string, outcome: TokenOutcome) {
    const subject = await tokens.peek(tx, 'email_verification', token);
    // The account is locked before its tokens, here as everywhere, so that two transactions cannot deadlock.
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

  /** Confirms the claimed address; undefined when the claim no longer stands. */
  async function confirm(tx: Executor, token: string, client: ClientInfo) {
    const claim = await takeClaim(tx, token, 'email_verified');
    if (!claim) return undefined;
    const { userId, key, account, pendingEmail: email, presentKey } = claim;
    const update = (columns: AccountChanges) => updateAccount(tx, userId, { ...columns, isVerified: true });
    if (email !== undefined) {
      const changed = await update({ email, emailKey: key, pendingEmail: null, pendingEmailKey: null });
      await changes.assertNotHeld(tx, { emailKey: key }, userId);
      await tokens.void(tx, userId);
      await audit.record(tx, { type: 'email.changed', userId, client });
      const { email: previous } = account;
      const changeId = await changes.record(tx, { userId, kind: 'email', previous, previousKey: presentKey }, true);
      await outbox.enqueue(tx, { kind: 'email_changed', userId, address: previous, detail: { changeId } });
      return changed;
    }
    await audit.record(tx, { type: 'email.verified', userId, client });
    if (presentKey === key) return update({});
    // The address was nobody's until now.
    const claimed = await update({ emailKey: key });
    await changes.assertNotHeld(tx, { emailKey: key }, userId);
    return claimed;
  }

  /** Releases the claimed address; undefined when the claim no longer stands, or the address is confirmed. */
  async function release(tx: Executor, token: string, client: ClientInfo) {
    const claim = await takeClaim(tx, token, 'email_rejected');
    if (!claim) return undefined;
    const { userId, account, pendingEmail } = claim;
    if (pendingEmail === undefined && account.isVerified) return undefined;
    const placeholder = createReleasedEmail();
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
      if (address === undefined || isReleasedEmail(address)) return;
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
