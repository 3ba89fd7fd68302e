/** The connections between instances: events, and Redis if configured. */
import { connectRedis, type RedisConnection } from '../redis/connection.js';
import type { Events } from './events.js';
import { openEvents, type OpenEventsOptions } from './open.js';

export interface Bus {
  readonly events: Events;
  /** Undefined if REDIS_URL is not set. */
  readonly redis: RedisConnection | undefined;
  close(): Promise<void>;
}

export function openBus(options: Omit<OpenEventsOptions, 'redis'>): Bus {
  const { url } = options;
  const redis = url === undefined ? undefined : connectRedis(url, 'requests', options.log);
  const events = openEvents({ ...options, redis });
  return {
    events,
    redis,
    async close() {
      await events.close();
      redis?.close();
    },
  };
}
