/**
 * Events through Redis, published after the commit. Events of one instance arrive in commit order; Redis decides the order of
 * concurrent events of different instances. Events that could not be published are queued and retried. If the queue overflows,
 * or after a restart, a loss message tells all instances that events may be missing.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import type { RedisConnection } from '../redis/connection.js';
import type { Events } from './events.js';
import { createEventDispatcher, type EventsLog } from './dispatcher.js';
import { decodeMissed, encodeEvent, encodeMissed } from './message.js';
import { createMessageSigner } from './signed-messages.js';

export interface RedisEventsOptions {
  readonly db: Pick<Database, 'afterCommit'>;
  /** Publishes. `close` does not close it. */
  readonly publisher: RedisConnection;
  /** Subscribes. `close` closes it. */
  readonly subscriber: RedisConnection;
  /** Prefix of the channel name, so deployments can share a Redis. */
  readonly prefix: string;
  /** AUTH_SECRET: the first signs, all verify. */
  readonly secrets: readonly string[];
  /** For the start of a loss. */
  readonly clock: Clock;
  readonly log: EventsLog;
}

/** About 2 MB; covers an outage of ten seconds at a thousand events per second. */
const MAX_WAITING = 10_000;
const BATCH = 100;
/** Received messages that are remembered to ignore duplicates after a retry. */
const MAX_SEEN = 10_000;
/** The assumed start of a loss if it is unknown, as after the crash of an instance with queued events. */
const UNKNOWN_LOSS_MS = 15 * 60_000;

export function createRedisEvents({
  db,
  publisher,
  subscriber,
  prefix,
  secrets,
  clock,
  log,
}: RedisEventsOptions): Events {
  const channel = `${prefix}events`;
  const signer = createMessageSigner(secrets, channel);
  const dispatcher = createEventDispatcher(log);
  const seen = new LRUCache<string, true>({ max: MAX_SEEN });
  const waiting: string[] = [];
  let subscribed = false;
  let sending: Promise<void> | undefined;
  const unknown = () => clock.now() - UNKNOWN_LOSS_MS;
  /** Start of a loss to report. Set at startup, because a previous process may have crashed with queued events. */
  let missedSince: number | undefined = unknown();

  const hasWork = () => waiting.length > 0 || missedSince !== undefined;
  const noteConnection = () => dispatcher.setConnected(subscribed && publisher.isUp());

  let rejected = 0;
  /** Logs only the first one, because an attacker can send any number. A metric counts them all. */
  function reject(): void {
    rejected += 1;
    if (rejected === 1)
      log.warn({ channel }, 'Ignored a Redis message not signed with AUTH_SECRET; further ones are not logged');
  }

  async function subscribe(): Promise<void> {
    try {
      await subscriber.client.subscribe(channel);
      subscribed = subscriber.isUp();
      noteConnection();
    } catch {
      subscriber.drop();
    }
  }

  /** Publishes the queue in order, one batch after the other. */
  async function sendAll(): Promise<void> {
    try {
      while (publisher.isUp() && hasWork()) {
        const batch = waiting.slice(0, BATCH);
        await Promise.all(batch.map((message) => publisher.client.publish(channel, message)));
        waiting.splice(0, batch.length);
        const since = missedSince;
        if (waiting.length > 0 || since === undefined) continue;
        missedSince = undefined;
        await publisher.client.publish(channel, signer.sign(encodeMissed(since))).catch((error: unknown) => {
          missedSince = since;
          throw error;
        });
      }
    } catch (err) {
      log.warn({ err }, 'Publishing events failed; they will be retried');
      publisher.drop();
    } finally {
      sending = undefined;
    }
  }

  const send = (): void => {
    if (!sending && publisher.isUp() && hasWork()) sending = sendAll();
  };

  publisher.onChange((up) => {
    noteConnection();
    if (up) send();
  });
  subscriber.onChange((up) => {
    subscribed = false;
    noteConnection();
    if (up) void subscribe();
  });
  subscriber.client.on('message', (_channel: string, message: string) => {
    const payload = signer.verify(message);
    if (payload === undefined) return reject();
    const missed = decodeMissed(payload);
    if (missed) dispatcher.reportLoss(missed.since ?? unknown());
    else if (!seen.has(payload)) {
      seen.set(payload, true);
      dispatcher.receive(payload);
    }
  });
  // The connections may already be up.
  if (publisher.isUp()) send();
  if (subscriber.isUp()) void subscribe();

  return {
    publish(tx, event) {
      const message = signer.sign(encodeEvent(event));
      db.afterCommit(tx, () => {
        if (waiting.length < MAX_WAITING) waiting.push(message);
        else missedSince ??= clock.now();
        send();
      });
      return Promise.resolve();
    },
    listen: dispatcher.listen,
    connected: dispatcher.connected,
    onConnection: dispatcher.onConnection,
    rejected: () => rejected,
    async close() {
      send();
      await sending;
      subscriber.close();
      dispatcher.setConnected(false);
    },
  };
}
