/** Helpers that wait for events. */
import type { AccountEvent, Events } from '../../src/events/events.js';
import type { EventsLog } from '../../src/events/dispatcher.js';
import type { RedisLog } from '../../src/redis/connection.js';

/** Publishes nothing: for tests without events. */
export const noEvents: Pick<Events, 'publish'> = { publish: () => Promise.resolve() };

/** Resolves when the connection for events is open, or closed. */
export async function connection(events: Events, connected: boolean): Promise<void> {
  if (events.connected() === connected) return;
  await new Promise<void>((resolve) => {
    const off = events.onConnection((now) => {
      if (now !== connected) return;
      off();
      resolve();
    });
  });
}

/** Collects events from now on, and waits until a condition holds for them. */
export function collect(events: Events) {
  const arrived: AccountEvent[] = [];
  let wake: () => void = () => undefined;
  events.listen((event) => {
    arrived.push(event);
    wake();
  });
  return {
    arrived,
    async until(isEnough: (arrived: readonly AccountEvent[]) => boolean): Promise<AccountEvent[]> {
      while (!isEnough(arrived)) await new Promise<void>((resolve) => (wake = resolve));
      return arrived;
    },
  };
}

/** The Redis for tests, if there is one. */
export const REDIS_URL = process.env['TEST_REDIS_URL'] ?? '';
export const onRedis = REDIS_URL !== '';

/** A log that stores its lines. */
export function recordingLog() {
  const lines: Record<string, unknown>[] = [];
  const log: EventsLog & RedisLog = {
    info: (message: string) => void lines.push({ level: 'info', message }),
    warn: (fields: object, message: string) => void lines.push({ level: 'warn', ...fields, message }),
  };
  return { log, lines };
}
export const quietLog = recordingLog().log;
