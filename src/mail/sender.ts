/**
 * Sends the messages in the outbox at least once. All instances share the work. A failed message is retried with exponential
 * backoff and discarded when the server rejects it permanently or when it is older than three days.
 */
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { createOutboxRepository, type OutboxRow } from './repository.js';
import { MAIL_TIMEOUT_MS, MailRejectedError, type Mail, type MailTransport } from './transport.js';

/** Composes a message; undefined if it is obsolete and must not be sent. */
export type ComposeEmail = (message: OutboxRow) => Promise<Mail | undefined>;

export interface MailSender {
  /** Sends all due messages, also messages that become due while it runs. Never rejects. */
  deliverDue(): Promise<void>;
  /** Stops sending. Running deliveries have one second to finish; another sender retries the rest. */
  close(): Promise<void>;
}

export interface MailSenderOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly compose: ComposeEmail;
  readonly transport: MailTransport;
  readonly log: { warn(fields: object, message: string): void };
}

/** Messages sent concurrently. */
const BATCH = 5;
/** Must exceed the time to compose and send a message. */
const LEASE_MS = 2 * MAIL_TIMEOUT_MS;
const FIRST_DELAY_MS = 10_000;
const MAX_DELAY_MS = 3_600_000;
/** Survives a mail server that is down for a weekend. */
const GIVE_UP_MS = 3 * 86_400_000;
/** Grace period for running deliveries at shutdown: enough for a healthy mail server. */
const CLOSE_GRACE_MS = 1000;

export function createMailSender({ db, clock, compose, transport, log }: MailSenderOptions): MailSender {
  const repository = createOutboxRepository(db.executor);
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  const stopping = new AbortController();

  async function send(message: OutboxRow): Promise<void> {
    const { id, kind, attempts, createdAt } = message;
    try {
      const mail = await compose(message);
      if (mail) await transport.send(mail, stopping.signal);
    } catch (err) {
      const isFinal = err instanceof MailRejectedError || clock.now() - createdAt.getTime() > GIVE_UP_MS;
      log.warn(
        { err, kind, attempts },
        isFinal ? 'Email could not be sent; giving up' : 'Email could not be sent; it will be retried',
      );
      if (!isFinal) {
        const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts - 1, 16));
        await repository.postpone(id, new Date(clock.now() + delay));
        return;
      }
    }
    await repository.delete(id);
  }

  async function drain(): Promise<void> {
    do {
      again = false;
      const now = clock.now();
      const messages = await repository.claim(new Date(now), new Date(now + LEASE_MS), BATCH);
      await Promise.all(messages.map(send));
      if (messages.length === BATCH) again = true;
    } while (again && !closed);
  }

  function deliverDue(): Promise<void> {
    if (closed) return running ?? Promise.resolve();
    again = true;
    running ??= drain()
      .catch((err: unknown) => log.warn({ err }, 'Reading the email outbox failed; it will be retried'))
      .finally(() => (running = undefined));
    return running;
  }

  return {
    deliverDue,
    async close() {
      closed = true;
      const grace = setTimeout(() => stopping.abort(new Error('The mail sender is shutting down.')), CLOSE_GRACE_MS);
      await running;
      clearTimeout(grace);
      transport.close();
    },
  };
}
