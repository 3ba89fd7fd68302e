/**
 * A postgres.js (3.4.9) client with one connection that never reconnects. The reconnect of postgres.js is unsafe: after losing a
 * connection in a transaction, it runs the next statement on a new connection (its issue 1216), hangs (1215) or writes to a closed
 * socket (1208). It also reconnects without a delay to a server that closes connections.
 */
import type { Socket } from 'node:net';
import postgres, { type ConnectionParameters, type Options, type PostgresType, type Sql } from 'postgres';
import type { DatabaseAddress, Host } from '../config/database-url.js';
import { dial } from './dial.js';

export interface Client {
  readonly sql: Sql;
  isLost(): boolean;
  /** Closes the connection immediately. Running statements fail, and Postgres rolls back an open transaction. */
  destroy(): void;
  /** Closes the connection gracefully, within a second. */
  end(): Promise<void>;
}

export interface ClientOptions {
  readonly address: DatabaseAddress;
  readonly host: Host;
  /** Connect timeout in milliseconds. */
  readonly timeoutMs: number;
  /** Session settings. Those of the URL take precedence. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Called once when the connection ends, for any reason. */
  onEnd(): void;
}

const GOODBYE_S = 1;

const identity = (value: unknown): unknown => value;
/** Drizzle encodes and decodes these types itself; the names replace the built-in types of postgres.js. */
const TYPES = {
  // Timestamps, dates, intervals, and arrays of them.
  date: {
    to: 1184,
    from: [1184, 1082, 1083, 1114, 1182, 1185, 1115, 1231],
    serialize: identity,
    parse: identity,
  },
  json: { to: 114, from: [114, 3802], serialize: identity, parse: (text: string): unknown => JSON.parse(text) },
} satisfies Record<string, PostgresType>;

/** Creates a client. It connects on first use. */
export function createClient({ address, host, timeoutMs, settings, onEnd }: ClientOptions): Client {
  const dialling = new AbortController();
  let stream: Socket | undefined;
  let dialled = false;
  let lost = false;

  const lose = (): void => {
    if (lost) return;
    lost = true;
    void sql.end({ timeout: 0 });
    onEnd();
  };
  const options = {
    host: host.host,
    port: host.port,
    user: address.user,
    password: address.password,
    database: address.database,
    // The custom socket does TLS.
    ssl: false,
    max: 1,
    // The pool closes connections between two uses.
    idle_timeout: null,
    max_lifetime: null,
    // Statements take arrays as text.
    fetch_types: false,
    // The pool checks that the server accepts writes.
    target_session_attrs: undefined,
    connect_timeout: timeoutMs / 1000,
    onnotice: () => undefined,
    types: TYPES,
    connection: { application_name: 'latchkey', ...settings, ...address.settings } as Partial<ConnectionParameters>,
    async socket(): Promise<Socket> {
      if (dialled) throw Object.assign(new Error('the server closed the connection'), { code: 'SERVER_HUNG_UP' });
      dialled = true;
      stream = await dial(host, address.tls, dialling.signal);
      stream.once('close', lose);
      return stream;
    },
  };
  // The types lack `socket` (README, "Custom socket") and null for numbers.
  const sql = postgres(options as unknown as Options<typeof TYPES>) as unknown as Sql;

  return {
    sql,
    isLost: () => lost,
    destroy() {
      dialling.abort();
      if (stream) hangUp(stream);
      lose();
    },
    async end() {
      await sql.end({ timeout: GOODBYE_S });
      dialling.abort();
      stream?.destroy();
      lose();
    },
  };
}

/** Resets a plain TCP connection. The reset discards unsent data, so Postgres does not run abandoned statements. */
function hangUp(stream: Socket): void {
  const isPlainTcp = stream.remoteAddress !== undefined && !('encrypted' in stream);
  if (isPlainTcp && !stream.destroyed) stream.resetAndDestroy();
  else stream.destroy();
}
