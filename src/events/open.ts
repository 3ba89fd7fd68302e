/** Opens the bus that the configuration names: Redis, or the database. */
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { connectRedis, type RedisConnection, type RedisLog } from '../redis/connection.js';
import { createDatabaseEvents } from './database-events.js';
import type { Events } from './events.js';
import type { EventsLog } from './dispatcher.js';
import { createRedisEvents } from './redis-events.js';

export interface OpenEventsOptions {
  readonly db: Database;
  /** Where there is a Redis, the connection that publishes; a second one is made to listen. */
  readonly redis: RedisConnection | undefined;
  readonly url: string | undefined;
  readonly prefix: string;
  /** AUTH_SECRET: the first signs what goes through Redis, all verify. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly log: EventsLog & RedisLog;
}

/** Never waits and never fails: events arrive once the connection is there. */
export function openEvents({ db, redis: publisher, url, prefix, secrets, clock, log }: OpenEventsOptions): Events {
  if (!publisher || url === undefined) return createDatabaseEvents({ db, log });
  const subscriber = connectRedis(url, 'events', log);
  return createRedisEvents({ db, publisher, subscriber, prefix, secrets, clock, log });
}
