/** Confirming e-mail addresses: that of a new account, or the one that is to take its place. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { Database, Executor } from '../db/database.js';
import type { Outbox } from '../mail/outbox.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { RateLimits } from '../rate-limits/service.js';
import type { AccountRecord } from './account.js';
import type { IdentifierChanges } from './identifier-changes.js';
import { invalidLink } from './recovery.js';
import { takenName } from './registration.js';
import { createAccountRepository, type AccountChanges } from './repository.js';

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

  /** What a confirmed address changes; undefined when it is no longer the account's matter. */
  async function confirmed(tx: Executor, token: string, client: ClientInfo) {
    const subject = await tokens.peek(tx, 'email_verification', token);
    // The account before its tokens, here as everywhere, so that no two wait for each other.
    const found = subject && (await createAccountRepository(tx).lockWithKeys(subject.userId));
    const taken = found && (await tokens.take(tx, 'email_verification', token, 'email_verified'));
    if (!taken) return undefined;
    const { userId, emailKey: key } = taken;
    const { account } = found;
    const update = (changes: AccountChanges) =>
      createAccountRepository(tx).update(userId, { ...changes, isVerified: true }, new Date(clock.now()));
    if (account.pendingEmail !== null && found.pendingEmailKey === key) {
      const email = account.pendingEmail;
      const changed = await update({ email, emailKey: key, pendingEmail: null, pendingEmailKey: null });
      await changes.assertNotHeld(tx, { emailKey: key }, userId);
      await tokens.void(tx, userId);
      await audit.record(tx, { type: 'email.changed', userId, client });
      const { email: previous } = account;
      const changeId = await changes.record(tx, { userId, kind: 'email', previous, previousKey: found.emailKey }, true);
      await outbox.enqueue(tx, { kind: 'email_changed', userId, address: previous, detail: { changeId } });
      return changed;
    }
    if (found.emailKey !== key) return undefined;
    await audit.record(tx, { type: 'email.verified', userId, client });
    return update({});
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
      if (address === undefined) return;
      await db.transaction(async (tx) => {
        await audit.record(tx, { type: 'email.verification_requested', userId: id, client });
        await enqueue(tx, id, address, client);
      });
      outbox.kick();
    },

    async verify(token, client) {
      try {
        const account = await db.transaction(async (tx) => {
          const changed = await confirmed(tx, token, client);
          if (!changed) throw invalidLink();
          return changed;
        });
        outbox.kick();
        return account;
      } catch (error) {
        throw takenName(error) ?? error;
      }
    },
  };
}
