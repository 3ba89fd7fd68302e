/** Composes every email about accounts. Tokens are created here, so the outbox never stores one. */
import type { Audit } from '../audit/audit.js';
import type { AuditType } from '../audit/event.js';
import { clientNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { ChangeTokens } from '../crypto/change-token.js';
import type { Database, Executor } from '../db/database.js';
import type { EmailContent, EmailTemplates } from '../mail/messages.js';
import { isApiKeyChange } from '../mail/api-key-changes.js';
import { isIdentityChange } from '../mail/identity-changes.js';
import { isSecondFactorChange } from '../mail/second-factor-changes.js';
import type { OutboxRow } from '../mail/repository.js';
import type { ComposeEmail } from '../mail/sender.js';
import { formatCode } from '../email-codes/code.js';
import type { EmailCodes } from '../email-codes/service.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { RateLimits } from '../rate-limits/service.js';
import { createChangeRepository } from '../identifier-changes/repository.js';
import { emailKey } from '../users/identifiers.js';
import { createMailboxLimits } from '../users/mailbox-limits.js';
import { isPlaceholderEmail } from '../users/placeholder-email.js';
import { createAccountRepository } from '../users/repository.js';

export interface EmailComposerOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly tokens: OneTimeTokens;
  readonly codes: Pick<EmailCodes, 'issue'>;
  readonly changeTokens: ChangeTokens;
  readonly rateLimits: RateLimits;
  readonly messages: EmailTemplates;
}

/** Password reset emails for one account, and sign-in codes for one account. */
const REQUEST_LIMIT = { max: 3, windowMs: 3_600_000 };
/** An email that anybody can request for an address. */
interface RequestedEmail {
  /** The counters of the account and of the mailbox. */
  readonly limit: string;
  readonly mailbox: 'reset mailbox' | 'code mailbox';
  readonly type: AuditType;
}
const PASSWORD_RESET: RequestedEmail = {
  limit: 'password reset mail',
  mailbox: 'reset mailbox',
  type: 'password.reset_requested',
};
const EMAIL_CODE: RequestedEmail = { limit: 'email code mail', mailbox: 'code mailbox', type: 'email_code.requested' };
/** Lockout emails for one account. Anybody can trigger them, and they contain a password reset link. */
const LOCKOUT_LIMIT = { max: 3, windowMs: 86_400_000 };

export function createEmailComposer({
  db,
  clock,
  audit,
  tokens,
  codes,
  changeTokens,
  rateLimits,
  messages,
}: EmailComposerOptions): ComposeEmail {
  const repository = createAccountRepository(db.executor);
  const mailboxes = createMailboxLimits(rateLimits);

  /**
   * Composes a requested email. Undefined for an unknown address, over a rate limit, and for an account that cannot
   * log in. Counts and audits the first attempt to send it.
   * @param issue makes the token of the email
   */
  async function requested<Token>(
    { address, attempts, detail }: OutboxRow,
    { limit, mailbox, type }: RequestedEmail,
    issue: (tx: Executor, subject: { userId: string; emailKey: string }) => Promise<Token>,
    content: (token: Token) => EmailContent,
  ) {
    const account = (await repository.findByKey('email', address))?.account;
    if (!account || account.deletedAt || account.disabledAt) return undefined;
    const { id: userId, email } = account;
    const isFirst = attempts === 1;
    const client = clientOf(detail);
    const charged = { userId, actorId: null, client };
    if (isFirst && !(await rateLimits.count(`${limit}|${userId}`, REQUEST_LIMIT, charged))) return undefined;
    if (isFirst && !(await mailboxes.charge(mailbox, address, charged))) return undefined;
    const token = await db.transaction(async (tx) => {
      if (isFirst) await audit.record(tx, { type, userId, actorId: null, client });
      return issue(tx, { userId, emailKey: address });
    });
    return { to: email, ...content(token) };
  }

  const passwordReset = (message: OutboxRow) =>
    requested(
      message,
      PASSWORD_RESET,
      (tx, subject) => tokens.issue(tx, 'password_reset', subject),
      (token) => messages.passwordReset(token),
    );

  const emailCode = (message: OutboxRow) =>
    requested(
      message,
      EMAIL_CODE,
      (tx, subject) => codes.issue(tx, subject),
      ({ code, linkToken }) => messages.emailCode(formatCode(code), linkToken),
    );

  /** Whether another account has the address, or has it reserved after a change. */
  async function isTaken(tx: Executor, address: string, userId: string): Promise<boolean> {
    const key = emailKey(address);
    const { email } = await createAccountRepository(tx).findTaken(key, undefined, userId);
    const held = await createChangeRepository(tx).listReserved([key], new Date(clock.now()), userId);
    return email || held.some(({ kind }) => kind === 'email');
  }

  /** Undefined if the address is already confirmed or no longer pending. */
  async function emailVerification({ userId, address, attempts, detail }: OutboxRow) {
    if (userId === null) return undefined;
    const charged = { userId, client: clientOf(detail) };
    if (attempts === 1 && !(await mailboxes.charge('verification mailbox', address, charged))) return undefined;
    // Locks the account, so a concurrent address change cannot get a token for the old address.
    return db.transaction(async (tx) => {
      const account = (await createAccountRepository(tx).lockWithKeys(userId))?.account;
      const waiting = account?.pendingEmail ?? (account?.isVerified ? undefined : account?.email);
      if (address !== waiting) return undefined;
      if (await isTaken(tx, address, userId)) return { to: address, ...messages.emailTaken() };
      const token = await tokens.issue(tx, 'email_verification', { userId, emailKey: emailKey(address) });
      return { to: address, ...messages.emailVerification(token) };
    });
  }

  /** Undefined for a deleted account and over the rate limit. */
  async function accountLocked({ userId, attempts, detail }: OutboxRow) {
    if (userId === null) return undefined;
    const charged = { userId, actorId: null, client: clientOf(detail) };
    if (attempts === 1 && !(await rateLimits.count(`lockout mail|${userId}`, LOCKOUT_LIMIT, charged))) return undefined;
    return db.transaction(async (tx) => {
      const found = await createAccountRepository(tx).lockWithKeys(userId);
      if (!found) return undefined;
      const token = await tokens.issue(tx, 'password_reset', { userId, emailKey: found.emailKey });
      return { to: found.account.email, ...messages.accountLocked(token, detail['what'] === 'second factor') };
    });
  }

  /** Contains a password reset link if the cancellation voided the current password. */
  async function changeCancelled({ userId, address: to, detail }: OutboxRow) {
    const resetToken = await db.transaction(async (tx) => {
      const found = userId !== null && (await createAccountRepository(tx).lockWithKeys(userId));
      if (!found || detail['passwordVoided'] === null) return undefined;
      return tokens.issue(tx, 'password_reset', { userId: found.account.id, emailKey: found.emailKey });
    });
    return { to, ...messages.changeCancelled(resetToken) };
  }

  /** Messages queued by an older release name no change; the link in them does not work. */
  const cancelTokenOf = ({ detail, id }: OutboxRow) => changeTokens.issue(detail['changeId'] ?? id);

  /** Every kind that is a notice; undefined if it is obsolete. */
  async function notice(message: OutboxRow) {
    const { kind, address: to, detail } = message;
    switch (kind) {
      case 'email_change_requested':
        return { to, ...messages.emailChangeRequested(cancelTokenOf(message)) };
      case 'email_changed':
        return { to, ...messages.emailChanged(cancelTokenOf(message)) };
      case 'username_changed':
        return { to, ...messages.usernameChanged(cancelTokenOf(message)) };
      case 'change_cancelled':
        return changeCancelled(message);
      case 'password_changed':
        return { to, ...messages.passwordChanged() };
      case 'password_voided':
        return { to, ...messages.passwordVoided() };
      case 'account_locked':
        return accountLocked(message);
      case 'account_deleted':
        return { to, ...messages.accountDeleted(Number(detail['days'])) };
      case 'api_key_changed':
        return { to, ...apiKeyChanged(detail['change']) };
      case 'identity_changed':
        return { to, ...identityChanged(detail['change']) };
      case 'second_factor_changed':
        return { to, ...secondFactorChanged(detail['change']) };
      default:
        // Queued by an instance of a newer release, which will send it.
        throw new Error(`Unknown kind of email: ${kind}`);
    }
  }

  function apiKeyChanged(change: string | null | undefined) {
    if (isApiKeyChange(change)) return messages.apiKeyChanged(change);
    // As for an unknown kind.
    throw new Error(`Unknown change of API keys: ${change}`);
  }

  function identityChanged(change: string | null | undefined) {
    if (isIdentityChange(change)) return messages.identityChanged(change);
    // As for an unknown kind.
    throw new Error(`Unknown change of identities: ${change}`);
  }

  function secondFactorChanged(change: string | null | undefined) {
    if (isSecondFactorChange(change)) return messages.secondFactorChanged(change);
    // As for an unknown kind.
    throw new Error(`Unknown change of second factors: ${change}`);
  }

  return async (message) => {
    const { kind, userId, address, attempts, detail } = message;
    if (isPlaceholderEmail(address)) return undefined;
    if (kind === 'password_reset') return passwordReset(message);
    if (kind === 'email_code') return emailCode(message);
    if (kind === 'email_verification') return emailVerification(message);
    const charged = { userId, actorId: null, client: clientOf(detail) };
    if (attempts === 1 && !(await mailboxes.charge('notice mailbox', address, charged))) return undefined;
    return notice(message);
  };
}

/** The client that caused the message. */
function clientOf(detail: OutboxRow['detail']): ClientInfo {
  const ipAddress = detail['ipAddress'] ?? '';
  return { ipAddress, network: clientNetwork(ipAddress), userAgent: detail['userAgent'] ?? null };
}
