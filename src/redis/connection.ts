/**
 * A connection to Redis that is replaced whenever it is lost. Nothing waits for it: while it is away, commands fail at
 * once, and whoever has something to do without it does that.
 */
import { Redis, type RedisOptions } from 'ioredis';

export interface RedisConnection {
  readonly client: Redis;
  /** Whether Redis answered when it was last asked. */
  isUp(): boolean;
  /** Calls `listener` with each change of that. */
  onChange(listener: (up: boolean) => void): void;
  /** Takes the connection for lost, after a command that was not answered; another one is made. */
  drop(): void;
  close(): void;
}

export interface RedisLog {
  info(message: string): void;
  warn(fields: { readonly err?: unknown }, message: string): void;
}

/** What a request waits at most; on a network that is well an answer takes a millisecond. */
const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
/** Half-open connections that nobody uses are noticed by this. */
const HEARTBEAT_MS = 2_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

const OPTIONS = {
  connectionName: 'latchkey',
  disableClientInfo: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  commandTimeout: COMMAND_TIMEOUT_MS,
  // The other end may not answer a goodbye.
  disconnectTimeout: 100,
  retryStrategy: (times: number) => Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (times - 1)),
  // What was not answered is said again by whom it concerns, or not at all.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
} satisfies RedisOptions;

/**
 * Connects, and goes on trying for as long as it takes.
 * @param url redis:// or rediss://, with credentials if need be
 * @param purpose for the log
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
  /** Once an outage, however many attempts fail. */
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
    // Another connection is under way otherwise.
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
