/**
 * Mail on its way: a letter is written down in the transaction of what it tells of, so that neither a crash nor a mail
 * server that is away loses it, and it is sent when that has committed.
 */
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../lib/clock.js';
import type { Executor } from '../db/database.js';
import { createOutboxRepository } from './repository.js';

export type LetterKind =
  | 'password_reset'
  | 'email_verification'
  | 'email_change_requested'
  | 'email_changed'
  | 'username_changed'
  | 'change_cancelled'
  | 'password_changed'
  | 'account_deleted'
  | 'account_locked';

/** What is to be told to whom; the words are found when it is sent. */
export interface Letter {
  readonly kind: LetterKind;
  /** Null where it is yet to be found out whether there is an account. */
  readonly userId: string | null;
  /** Where it goes; for a password reset, the normalised address that was typed. */
  readonly address: string;
  /** Nothing secret. */
  readonly detail: Readonly<Record<string, string | null>>;
}

export interface Outbox {
  /** Writes a letter down inside the caller's transaction. */
  enqueue(tx: Executor, letter: Letter): Promise<void>;
  /** Says that a transaction with letters has committed: they are sent beside whatever goes on. */
  kick(): void;
  /** Throws away what is still to be sent to an account, inside the caller's transaction. */
  discard(tx: Executor, userId: string): Promise<void>;
}

/** @param onKick begins to send what is due */
export function createOutbox({ clock, onKick }: { clock: Clock; onKick: () => void }): Outbox {
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
    kick: onKick,
    discard: (tx, userId) => createOutboxRepository(tx).deleteOf(userId),
  };
}
