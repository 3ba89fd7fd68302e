/**
 * Sends what is in the outbox, at least once, by as many instances as there are. A letter that cannot be sent is tried
 * again after a time that grows; one that the server refuses for good, or that is too old to be of use, is given up.
 */
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { createOutboxRepository, type OutboxRow } from './repository.js';
import { MAIL_TIMEOUT_MS, MailRefused, type Mail, type MailTransport } from './transport.js';

/** Finds the words for a letter; undefined when there is nothing to tell any more. */
export type Compose = (letter: OutboxRow) => Promise<Mail | undefined>;

export interface MailSender {
  /** Sends what is due, then what became due meanwhile. Rejects never. */
  deliverDue(): Promise<void>;
  /** Begins no more; what is being sent may finish within a second, and is otherwise left to the next who sends. */
  close(): Promise<void>;
}

export interface MailSenderOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly compose: Compose;
  readonly transport: MailTransport;
  readonly log: { warn(fields: object, message: string): void };
}

/** Letters at a time. */
const BATCH = 5;
/** Longer than composing and sending may take. */
const LEASE_MS = 2 * MAIL_TIMEOUT_MS;
const FIRST_DELAY_MS = 10_000;
const MAX_DELAY_MS = 3_600_000;
/** A mail server that is away for a weekend loses nothing. */
const GIVE_UP_MS = 3 * 86_400_000;
/** How long what is being sent may take at a stop: a mail server that is well takes less, and one that is not may not hold it up. */
const CLOSE_GRACE_MS = 1000;

export function createMailSender({ db, clock, compose, transport, log }: MailSenderOptions): MailSender {
  const repository = createOutboxRepository(db.executor);
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  const stopping = new AbortController();

  async function send(letter: OutboxRow): Promise<void> {
    const { id, kind, attempts, createdAt } = letter;
    try {
      const mail = await compose(letter);
      if (mail) await transport.send(mail, stopping.signal);
    } catch (err) {
      const isOver = err instanceof MailRefused || clock.now() - createdAt.getTime() > GIVE_UP_MS;
      log.warn({ err, kind, attempts }, isOver ? 'mail given up' : 'mail not sent; it will be tried again');
      if (!isOver) {
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
      const letters = await repository.claim(new Date(now), new Date(now + LEASE_MS), BATCH);
      await Promise.all(letters.map(send));
      if (letters.length === BATCH) again = true;
    } while (again && !closed);
  }

  function deliverDue(): Promise<void> {
    if (closed) return running ?? Promise.resolve();
    again = true;
    running ??= drain()
      .catch((err: unknown) => log.warn({ err }, 'the outbox could not be read; it will be tried again'))
      .finally(() => (running = undefined));
    return running;
  }

  return {
    deliverDue,
    async close() {
      closed = true;
      const grace = setTimeout(() => stopping.abort(new Error('The sender is closing.')), CLOSE_GRACE_MS);
      await running;
      clearTimeout(grace);
      transport.close();
    },
  };
}
