/** Events between instances: something happened to an account or a service account. Events carry only ids; receivers read the audit event. */
import type { Executor } from '../db/database.js';

export interface AccountEvent {
  /** The audit event. */
  readonly auditId: string;
  /** The account; null if there is none. */
  readonly userId: string | null;
  readonly sessionId: string | null;
  /** The service account; null or left out if there is none. */
  readonly serviceAccountId?: string | null;
}

/** The id of the account or service account that an event concerns; null if there is none. */
export function subjectOfEvent({ userId, serviceAccountId = null }: AccountEvent): string | null {
  return userId ?? serviceAccountId;
}

/** @param lostSince start of an outage, in milliseconds since the epoch; defaults to now */
export type ConnectionListener = (connected: boolean, lostSince?: number) => void;

export interface Events {
  /** Publishes an event to all instances after the commit of `tx`. A rollback discards it. */
  publish(tx: Executor, event: AccountEvent): Promise<void>;
  /**
   * Calls `listener` with the events of all instances, including this one, in commit order for each account.
   * @returns removes the listener
   */
  listen(listener: (event: AccountEvent) => void): () => void;
  /** Whether events arrive. Events during an outage are not delivered later. */
  connected(): boolean;
  /** Calls `listener` with each change of `connected`. @returns removes the listener */
  onConnection(listener: ConnectionListener): () => void;
  /** The number of messages ignored because of an invalid signature. */
  rejected(): number;
  close(): Promise<void>;
}
