/**
 * Protects email addresses and usernames from a stolen session. A mailed link can cancel a change for seven days, even after it
 * took effect; the former value stays reserved for the account during that time.
 */
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { ChangeTokens } from '../crypto/change-token.js';
import type { Database, Executor } from '../db/database.js';
import { validationError } from '../lib/errors.js';
import { createFactorRepository } from '../mfa/factors/repository.js';
import type { Outbox } from '../mail/outbox.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { VoidIdentities } from '../identities/void.js';
import type { KnownDevices } from '../known-devices/service.js';
import type { Revocation } from '../sessions/revocation.js';
import { createChangeRepository, type IdentifierChange, type IdentifierKind } from './repository.js';
import { emailKey } from '../users/identifiers.js';
import { invalidLink } from '../passwords/reset.js';
import type { AccountRecord } from '../users/account.js';
import { createAccountRepository, type AccountChanges } from '../users/repository.js';
import { TAKEN } from '../users/taken-names.js';

/** The value before a change. */
export interface FormerIdentifier {
  readonly userId: string;
  readonly kind: IdentifierKind;
  readonly previous: string;
  readonly previousKey: string;
}

/** Normalised values to check. */
export interface IdentifierKeys {
  readonly emailKey?: string | undefined;
  readonly usernameKey?: string | undefined;
}

export interface Cancellation {
  /** The kind of the cancelled change. Later changes are undone as well, whatever their kind. */
  readonly kind: IdentifierKind;
  /** Whether the link was already used: this call changed nothing. */
  readonly alreadyDone: boolean;
  /** Whether the password no longer works, because it was changed after the cancelled change. */
  readonly passwordVoided: boolean;
}

export interface IdentifierChanges {
  /**
   * Records a change in the caller's transaction.
   * @param isApplied whether it takes effect now; false for a requested email address
   * @returns the id of the change, for the link in the email
   */
  record(tx: Executor, left: FormerIdentifier, isApplied: boolean): Promise<string>;
  /** Whether an account other than `exceptId` uses or has reserved the values. */
  findTaken(
    executor: Executor,
    keys: IdentifierKeys,
    exceptId?: string,
  ): Promise<{ readonly email: boolean; readonly username: boolean }>;
  /**
   * Call after the statement that claims the values, in its transaction: it then sees reservations that were committed while
   * that statement waited.
   * @throws AppError VALIDATION_ERROR if another account has reserved one of the values
   */
  assertNotReserved(tx: Executor, keys: IdentifierKeys, userId: string): Promise<void>;
  /** Records a password change in the caller's transaction. */
  recordPasswordChange(tx: Executor, userId: string): Promise<void>;
  /**
   * Cancels the change of a mailed link and every later change of the account: restores the former values, ends all sessions,
   * removes the second factors and identities that were added since, and voids reset and confirmation links. If the password was
   * changed after the change took effect, it is voided, and the restored address gets a reset link.
   * @throws AppError INVALID_TOKEN for a link that is invalid or older than seven days
   */
  cancel(token: string, client: ClientInfo): Promise<Cancellation>;
  /** Deletes up to `limit` changes that can no longer be cancelled; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface IdentifierChangesOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly changeTokens: ChangeTokens;
  readonly tokens: OneTimeTokens;
  readonly revocation: Revocation;
  readonly devices: Pick<KnownDevices, 'forgetAll'>;
  readonly voidIdentities: VoidIdentities;
  readonly outbox: Outbox;
}

/** How long a change can be cancelled after its request, and after it took effect. */
const CANCELLABLE_MS = 7 * 86_400_000;

export function createIdentifierChanges(options: IdentifierChangesOptions): IdentifierChanges {
  const { db, clock, audit, changeTokens, tokens, revocation, devices, voidIdentities, outbox } = options;

  async function findReserved(executor: Executor, { emailKey, usernameKey }: IdentifierKeys, exceptId?: string) {
    const keys = [emailKey, usernameKey].filter((key) => key !== undefined);
    const rows = await createChangeRepository(executor).listReserved(keys, new Date(clock.now()), exceptId);
    return {
      email: rows.some(({ kind, key }) => kind === 'email' && key === emailKey),
      username: rows.some(({ kind, key }) => kind === 'username' && key === usernameKey),
    };
  }

  async function findTaken(executor: Executor, keys: IdentifierKeys, exceptId?: string) {
    const inUse = await createAccountRepository(executor).findTaken(keys.emailKey, keys.usernameKey, exceptId);
    const kept = await findReserved(executor, keys, exceptId);
    return { email: inUse.email || kept.email, username: inUse.username || kept.username };
  }

  /** The columns of the account before the oldest of the changes. */
  async function formerColumns(
    tx: Executor,
    userId: string,
    undone: readonly IdentifierChange[],
  ): Promise<AccountChanges> {
    const oldest = (kind: IdentifierKind) => undone.find((change) => change.kind === kind);
    const [email, username] = [oldest('email'), oldest('username')];
    const lost = await findTaken(tx, { emailKey: email?.previousKey, usernameKey: username?.previousKey }, userId);
    return {
      ...(email && !lost.email
        ? {
            email: email.previous,
            emailKey: email.previousKey,
            // The mailed link confirms the mailbox. An unclaimed address (REVEAL_TAKEN_EMAILS=false) stays unconfirmed.
            isVerified: email.previousKey === emailKey(email.previous),
          }
        : {}),
      ...(username && !lost.username ? { username: username.previous, usernameKey: username.previousKey } : {}),
    };
  }

  /** Removes the second factors that were added since a change, with which a stranger could still sign in. */
  async function voidFactorsSince(
    tx: Executor,
    account: AccountRecord,
    since: Date,
    client: ClientInfo,
  ): Promise<void> {
    const { id: userId, email: address } = account;
    const removed = await createFactorRepository(tx).deleteSince(userId, since, new Date(clock.now()));
    if (removed === 0) return;
    const type = 'second_factors.voided';
    await audit.record(tx, { type, userId, actorId: null, client, detail: `${removed} removed` });
    await outbox.enqueue(tx, {
      kind: 'second_factor_changed',
      userId,
      address,
      detail: { change: type, ipAddress: client.ipAddress, userAgent: client.userAgent },
    });
  }

  async function undo(tx: Executor, change: IdentifierChange, client: ClientInfo): Promise<boolean> {
    const { userId, kind, createdAt } = change;
    const now = new Date(clock.now());
    const changes = createChangeRepository(tx);
    const later = await changes.listInEffect(userId, createdAt, now);
    const undone = change.appliedAt === null ? later : [change, ...later];
    await changes.cancelSince(userId, createdAt, now);
    const passwordVoided = undone.some(({ passwordChangedAt }) => passwordChangedAt !== null);
    const account = await createAccountRepository(tx).updateUndeleted(
      userId,
      {
        ...(await formerColumns(tx, userId, undone)),
        ...(passwordVoided ? { passwordHash: null } : {}),
        pendingEmail: null,
        pendingEmailKey: null,
      },
      now,
    );
    if (!account) throw invalidLink();
    await tokens.void(tx, userId);
    await devices.forgetAll(tx, userId);
    const ended = await revocation.endAccess(tx, userId, { actorId: null, client });
    await voidFactorsSince(tx, account, createdAt, client);
    await voidIdentities(tx, account, client, createdAt);
    const detail = `${ended} sessions ended${passwordVoided ? ', password voided' : ''}`;
    await audit.record(tx, { type: `${kind}.change_cancelled`, userId, actorId: null, client, detail });
    await outbox.enqueue(tx, {
      kind: 'change_cancelled',
      userId,
      address: account.email,
      detail: { passwordVoided: passwordVoided ? 'yes' : null },
    });
    return passwordVoided;
  }

  return {
    async record(tx, left, isApplied) {
      const now = clock.now();
      const id = uuidv7();
      await createChangeRepository(tx).insert({
        id,
        ...left,
        createdAt: new Date(now),
        appliedAt: isApplied ? new Date(now) : null,
        expiresAt: new Date(now + CANCELLABLE_MS),
      });
      return id;
    },

    findTaken,

    async assertNotReserved(tx, keys, userId) {
      const { email, username } = await findReserved(tx, keys, userId);
      if (email) throw validationError([{ field: 'email', message: TAKEN }]);
      if (username) throw validationError([{ field: 'username', message: TAKEN }]);
    },

    recordPasswordChange: (tx, userId) =>
      createChangeRepository(tx).recordPasswordChange(userId, new Date(clock.now())),

    async cancel(token, client) {
      const id = changeTokens.verify(token);
      if (id === undefined) throw invalidLink();
      const cancellation = await db.transaction(async (tx): Promise<Cancellation> => {
        const now = new Date(clock.now());
        const changes = createChangeRepository(tx);
        const change = await changes.find(id, now);
        // Every transaction locks the account before its changes and tokens, which prevents deadlocks.
        const account = change && (await createAccountRepository(tx).lock(change.userId));
        if (!account || account.deletedAt) throw invalidLink();
        const { kind } = change;
        const cancelled = await changes.cancel(id, now);
        if (!cancelled) return { kind, alreadyDone: true, passwordVoided: false };
        return { kind, alreadyDone: false, passwordVoided: await undo(tx, cancelled, client) };
      });
      outbox.wake();
      return cancellation;
    },

    clear: (tx, limit) => createChangeRepository(tx).deleteExpired(new Date(clock.now()), limit),
  };
}
