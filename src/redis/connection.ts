/**
 * A connection to Redis that reconnects automatically. During an outage, commands fail immediately, so callers can fall back.
 */
import { Redis, type RedisOptions } from 'ioredis';

export interface RedisConnection {
  readonly client: Redis;
  /** Whether the last command or heartbeat succeeded. */
  isUp(): boolean;
  /** Calls `listener` with each change of `isUp`. */
  onChange(listener: (up: boolean) => void): void;
  /** Treats the connection as lost after a failed command, and reconnects. */
  drop(): void;
  close(): void;
}

export interface RedisLog {
  info(message: string): void;
  warn(fields: { readonly err?: unknown }, message: string): void;
}

/** The maximum that a request waits. On a healthy network a reply takes a millisecond. */
const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
/** Detects half-open idle connections. */
const HEARTBEAT_MS = 2_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

const OPTIONS = {
  connectionName: 'latchkey',
  disableClientInfo: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  commandTimeout: COMMAND_TIMEOUT_MS,
  // The server may not respond to QUIT.
  disconnectTimeout: 100,
  retryStrategy: (times: number) => Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (times - 1)),
  // Callers decide whether to retry a command.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
} satisfies RedisOptions;

/**
 * Connects in the background and retries until it succeeds.
 * @param url redis:// or rediss://, optionally with credentials
 * @param purpose appears in log messages
 */
export function connectRedis(url: string, purpose: string, log: RedisLog): RedisConnection {
  const client = new Redis(url, OPTIONS);
  const listeners = new Set<(up: boolean) => void>();
  let up = false;
  let outageLogged = false;
  let closed = false;

  const set = (now: boolean): void => {
    if (up === now) return;
    up = now;
    for (const listener of listeners) listener(up);
  };
  /** Logs once per outage. */
  const logOutage = (err?: unknown): void => {
    if (outageLogged || closed) return;
    outageLogged = true;
    log.warn(err === undefined ? {} : { err }, `Redis connection lost (${purpose}); reconnecting`);
  };
  client.on('ready', () => {
    if (outageLogged) log.info(`Redis connection restored (${purpose})`);
    outageLogged = false;
    set(true);
  });
  client.on('error', logOutage);
  client.on('close', () => {
    logOutage();
    set(false);
  });

  const drop = (): void => {
    // Otherwise a reconnect is already under way.
    if (!up) return;
    set(false);
    client.disconnect(true);
  };
  const heartbeat = setInterval(() => {
    if (!up) return;
    client.ping().catch((error: unknown) => {
      logOutage(error);
      drop();
    });
  }, HEARTBEAT_MS).unref();

  return {
    client,
    isUp: () => up,
    onChange: (listener) => void listeners.add(listener),
    drop,
    close() {
      closed = true;
      clearInterval(heartbeat);
      listeners.clear();
      client.disconnect();
    },
  };
}
