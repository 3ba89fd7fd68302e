/** Opens the event transport: Redis if configured, otherwise the database. */
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { connectRedis, type RedisConnection, type RedisLog } from '../redis/connection.js';
import { createDatabaseEvents } from './database-events.js';
import type { Events } from './events.js';
import type { EventsLog } from './dispatcher.js';
import { createRedisEvents } from './redis-events.js';

export interface OpenEventsOptions {
  readonly db: Database;
  /** The connection that publishes, if Redis is configured. A second one is opened to subscribe. */
  readonly redis: RedisConnection | undefined;
  readonly url: string | undefined;
  readonly prefix: string;
  /** AUTH_SECRET: the first signs what goes through Redis, all verify. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly log: EventsLog & RedisLog;
}

/** Returns immediately and never throws. Events arrive once the connection is established. */
export function openEvents({ db, redis: publisher, url, prefix, secrets, clock, log }: OpenEventsOptions): Events {
  if (!publisher || url === undefined) return createDatabaseEvents({ db, log });
  const subscriber = connectRedis(url, 'events', log);
  return createRedisEvents({ db, publisher, subscriber, prefix, secrets, clock, log });
}
