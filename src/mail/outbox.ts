/**
 * Transactional outbox for email. A message is stored in the transaction of the change it reports and sent after the commit,
 * so a crash or an unavailable mail server loses no mail.
 */
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../lib/clock.js';
import type { Executor } from '../db/database.js';
import { createOutboxRepository } from './repository.js';

export type EmailKind =
  | 'password_reset'
  | 'email_verification'
  | 'email_change_requested'
  | 'email_changed'
  | 'username_changed'
  | 'change_cancelled'
  | 'password_changed'
  | 'password_voided'
  | 'email_code'
  | 'account_deleted'
  | 'account_locked'
  | 'second_factor_changed'
  | 'api_key_changed'
  | 'identity_changed';

/** A queued message. Its text is composed when it is sent. */
export interface OutboxMessage {
  readonly kind: EmailKind;
  /** Null if the account is looked up when the message is sent. */
  readonly userId: string | null;
  /** The recipient; for a password reset and a sign-in code, the normalised address that was entered. */
  readonly address: string;
  /** Data for the template. Must not contain secrets. */
  readonly detail: Readonly<Record<string, string | null>>;
}

export interface Outbox {
  /** Stores a message in the caller's transaction. */
  enqueue(tx: Executor, message: OutboxMessage): Promise<void>;
  /** Starts sending in the background. Call it after the commit. */
  wake(): void;
  /** Deletes the unsent messages of an account in the caller's transaction. */
  discard(tx: Executor, userId: string): Promise<void>;
}

/** @param onWake starts sending due messages */
export function createOutbox({ clock, onWake }: { clock: Clock; onWake: () => void }): Outbox {
  return {
    async enqueue(tx, { kind, userId, address, detail }) {
      const now = new Date(clock.now());
      await createOutboxRepository(tx).insert({
        id: uuidv7(),
        kind,
        userId,
        address,
        detail,
        createdAt: now,
        nextAttemptAt: now,
      });
    },
    wake: onWake,
    discard: (tx, userId) => createOutboxRepository(tx).deleteOf(userId),
  };
}
