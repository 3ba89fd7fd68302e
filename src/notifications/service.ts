/** Composes every mail about accounts. Tokens are created here, so that none waits in the outbox. */
import type { Audit } from '../audit/audit.js';
import { clientNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { ChangeTokens } from '../crypto/change-token.js';
import type { Database, Executor } from '../db/database.js';
import type { Messages } from '../mail/messages.js';
import type { OutboxRow } from '../mail/repository.js';
import type { Compose } from '../mail/sender.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { RateLimits } from '../rate-limits/service.js';
import { createChangeRepository } from '../identifier-changes/repository.js';
import { emailKey } from '../users/identifiers.js';
import { createMailboxLimits } from '../users/mailbox-limits.js';
import { isReleasedEmail } from '../users/released-email.js';
import { createAccountRepository } from '../users/repository.js';

export interface LettersOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly tokens: OneTimeTokens;
  readonly changeTokens: ChangeTokens;
  readonly rateLimits: RateLimits;
  readonly messages: Messages;
}

/** Links to choose a new password, for one account. */
const RESETS = { max: 3, windowMs: 3_600_000 };
/** Messages about too many wrong passwords, whose links choose a new password: strangers cause them. */
const LOCKS = { max: 3, windowMs: 86_400_000 };

export function createLetters({
  db,
  clock,
  audit,
  tokens,
  changeTokens,
  rateLimits,
  messages,
}: LettersOptions): Compose {
  const repository = createAccountRepository(db.executor);
  const mailboxes = createMailboxLimits(rateLimits);

  /** Nothing for an address that nobody has, for one that had its share, and for an account that may not log in. */
  async function passwordReset({ address, attempts, detail }: OutboxRow) {
    const account = (await repository.findByKey('email', address))?.account;
    if (!account || account.deletedAt || account.disabledAt) return undefined;
    const { id: userId, email } = account;
    const isFirst = attempts === 1;
    const client = clientOf(detail);
    const charged = { userId, actorId: null, client };
    if (isFirst && !(await rateLimits.count(`password reset mail|${userId}`, RESETS, charged))) return undefined;
    if (isFirst && !(await mailboxes.admits('reset mailbox', address, charged))) return undefined;
    const token = await db.transaction(async (tx) => {
      if (isFirst) {
        await audit.record(tx, { type: 'password.reset_requested', userId, actorId: null, client });
      }
      return tokens.issue(tx, 'password_reset', { userId, emailKey: address });
    });
    return { to: email, ...messages.passwordReset(token) };
  }

  /** Whether an address is another account's, or held for it. */
  async function isTaken(tx: Executor, address: string, userId: string): Promise<boolean> {
    const key = emailKey(address);
    const { email } = await createAccountRepository(tx).taken(key, undefined, userId);
    const held = await createChangeRepository(tx).listHeld([key], new Date(clock.now()), userId);
    return email || held.some(({ kind }) => kind === 'email');
  }

  /** Nothing when the address is confirmed by now, or is no longer asked for. */
  async function emailVerification({ userId, address, attempts, detail }: OutboxRow) {
    if (userId === null) return undefined;
    const charged = { userId, client: clientOf(detail) };
    if (attempts === 1 && !(await mailboxes.admits('verification mailbox', address, charged))) return undefined;
    // Locked, so that no token comes of an address that the account leaves at this moment.
    return db.transaction(async (tx) => {
      const account = (await createAccountRepository(tx).lockWithKeys(userId))?.account;
      const waiting = account?.pendingEmail ?? (account?.isVerified ? undefined : account?.email);
      if (address !== waiting) return undefined;
      if (await isTaken(tx, address, userId)) return { to: address, ...messages.emailTaken() };
      const token = await tokens.issue(tx, 'email_verification', { userId, emailKey: emailKey(address) });
      return { to: address, ...messages.emailVerification(token) };
    });
  }

  /** Nothing for an account that is gone, and for one that was told often enough. */
  async function accountLocked({ userId, attempts, detail }: OutboxRow) {
    if (userId === null) return undefined;
    const charged = { userId, actorId: null, client: clientOf(detail) };
    if (attempts === 1 && !(await rateLimits.count(`lockout mail|${userId}`, LOCKS, charged))) return undefined;
    return db.transaction(async (tx) => {
      const found = await createAccountRepository(tx).lockWithKeys(userId);
      if (!found) return undefined;
      const token = await tokens.issue(tx, 'password_reset', { userId, emailKey: found.emailKey });
      return { to: found.account.email, ...messages.accountLocked(token) };
    });
  }

  /** With a link for a new password where the cancellation voided the present one. */
  async function changeCancelled({ userId, address: to, detail }: OutboxRow) {
    const resetToken = await db.transaction(async (tx) => {
      const found = userId !== null && (await createAccountRepository(tx).lockWithKeys(userId));
      if (!found || detail['passwordVoided'] === null) return undefined;
      return tokens.issue(tx, 'password_reset', { userId: found.account.id, emailKey: found.emailKey });
    });
    return { to, ...messages.changeCancelled(resetToken) };
  }

  /** Mail that was queued by an older release names no change; the link in it is then of no use. */
  const cancelTokenOf = ({ detail, id }: OutboxRow) => changeTokens.issue(detail['changeId'] ?? id);

  /** The mail of any other kind; undefined if there is nothing to send any more. */
  async function notice(letter: OutboxRow) {
    const { kind, address: to, detail } = letter;
    switch (kind) {
      case 'email_change_requested':
        return { to, ...messages.emailChangeRequested(cancelTokenOf(letter)) };
      case 'email_changed':
        return { to, ...messages.emailChanged(cancelTokenOf(letter)) };
      case 'username_changed':
        return { to, ...messages.usernameChanged(cancelTokenOf(letter)) };
      case 'change_cancelled':
        return changeCancelled(letter);
      case 'password_changed':
        return { to, ...messages.passwordChanged() };
      case 'account_locked':
        return accountLocked(letter);
      case 'account_deleted':
        return { to, ...messages.accountDeleted(Number(detail['days'])) };
      default:
        // A newer instance's, which will send it.
        throw new Error(`There is no letter of the kind ${kind}`);
    }
  }

  return async (letter) => {
    const { kind, userId, address, attempts, detail } = letter;
    if (isReleasedEmail(address)) return undefined;
    if (kind === 'password_reset') return passwordReset(letter);
    if (kind === 'email_verification') return emailVerification(letter);
    const charged = { userId, actorId: null, client: clientOf(detail) };
    if (attempts === 1 && !(await mailboxes.admits('notice mailbox', address, charged))) return undefined;
    return notice(letter);
  };
}

/** From where a letter was asked for. */
function clientOf(detail: OutboxRow['detail']): ClientInfo {
  const ipAddress = detail['ipAddress'] ?? '';
  return { ipAddress, network: clientNetwork(ipAddress), userAgent: detail['userAgent'] ?? null };
}
