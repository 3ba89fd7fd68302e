/** What instances tell each other: that something happened to an account. Ids only; whoever is told reads the rest. */
import type { Executor } from '../db/database.js';

export interface AccountEvent {
  /** The audit event that tells what happened. */
  readonly auditId: string;
  /** Whose account; null where there is none. */
  readonly userId: string | null;
  readonly sessionId: string | null;
}

/** @param lostSince with a loss, when it began, in milliseconds since the epoch; now where it is left out */
export type ConnectionListener = (connected: boolean, lostSince?: number) => void;

export interface Events {
  /** Inside the transaction of the change: every instance is told once it commits, and nobody if it does not. */
  publish(tx: Executor, event: AccountEvent): Promise<void>;
  /**
   * Calls `listener` with the events of every instance, this one's too, in the order of their commits for each account.
   * @returns takes the listener off
   */
  listen(listener: (event: AccountEvent) => void): () => void;
  /** Whether events arrive; while they do not, some are missed for good. */
  connected(): boolean;
  /** Calls `listener` with each change of that. @returns takes it off */
  onConnection(listener: ConnectionListener): () => void;
  /** How many messages were ignored because this deployment did not sign them. */
  rejected(): number;
  close(): Promise<void>;
}
