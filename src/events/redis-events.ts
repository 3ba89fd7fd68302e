/**
 * Events through Redis: published once the transaction has committed. What one instance commits arrives in its order;
 * of two instances that change one account within the same moment, Redis decides who came first. What cannot be
 * published is kept and published again; where that was too much, or an instance may have died before it could, the
 * others are told that they may have missed something.
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
  /** Publishes; not closed with the events. */
  readonly publisher: RedisConnection;
  /** A connection of its own, which is closed with the events. */
  readonly subscriber: RedisConnection;
  /** Before the channel's name, so that deployments may share a Redis. */
  readonly prefix: string;
  /** AUTH_SECRET: the first signs, all verify. */
  readonly secrets: readonly string[];
  /** Tells since when something may have been missed. */
  readonly clock: Clock;
  readonly log: EventsLog;
}

/** Some 2 MB; at a thousand changes a second ten seconds without Redis. */
const MAX_WAITING = 10_000;
const BATCH = 100;
/** A message that is sent again may have arrived the first time; so many back it is recognised. */
const REMEMBERED = 10_000;
/**
 * What is made up for where nobody knows since when something was missed: after the death of an instance with something
 * to say, until another one starts.
 */
const UNKNOWN_MS = 15 * 60_000;

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
  const seen = new LRUCache<string, true>({ max: REMEMBERED });
  const waiting: string[] = [];
  let subscribed = false;
  let sending: Promise<void> | undefined;
  const unknown = () => clock.now() - UNKNOWN_MS;
  /** Since when something is lost. At the start: whoever was here before may have died with something to say. */
  let missedSince: number | undefined = unknown();

  const hasWork = () => waiting.length > 0 || missedSince !== undefined;
  const noteConnection = () => dispatcher.setConnected(subscribed && publisher.isUp());

  let rejected = 0;
  /** Logs the first one only: there may be as many as an attacker likes. The metric counts them. */
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

  /** Sends what waits, in its order; one batch is answered before the next one leaves. */
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
  // They may have been quicker than this.
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
