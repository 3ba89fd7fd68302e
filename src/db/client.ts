/**
 * A client of postgres.js (3.4.9) with one connection that is dialled once. postgres.js cannot be left to replace a
 * connection that was lost under a transaction: it runs the next statement on its successor (its issue 1216), sticks (1215)
 * or writes to a socket that is gone (1208); and it dials a server that hangs up again without a pause.
 */
import type { Socket } from 'node:net';
import postgres, { type ConnectionParameters, type Options, type PostgresType, type Sql } from 'postgres';
import type { DatabaseAddress, Host } from '../config/database-url.js';
import { dial } from './dial.js';

export interface Client {
  readonly sql: Sql;
  isLost(): boolean;
  /** Ends the connection at once, whatever the other end does; Postgres rolls back what was open. What runs on it fails. */
  destroy(): void;
  /** Takes leave of the server first, for which it has a second. */
  end(): Promise<void>;
}

export interface ClientOptions {
  readonly address: DatabaseAddress;
  readonly host: Host;
  /** How long connecting may take; milliseconds. */
  readonly timeoutMs: number;
  /** Settings of the session, on top of the URL's. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Called once, however the connection came to an end. */
  onEnd(): void;
}

const GOODBYE_S = 1;

const identity = (value: unknown): unknown => value;
/** Drizzle encodes and reads these itself; the names are those of postgres.js, whose own types they replace. */
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

/** Creates a client; it connects when it is first used. */
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
    // The stream is encrypted already.
    ssl: false,
    max: 1,
    // A connection is given up by those who use it, between two uses.
    idle_timeout: null,
    max_lifetime: null,
    // Statements take arrays as text.
    fetch_types: false,
    // Reported by us and not for us: a server that accepts writes is asked for by the pool.
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
  // Its types leave out `socket` (README, "Custom socket"), and that numbers may be null.
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

/** With what was sent and has not arrived, where the stream can: Postgres should not take up what nobody waits for. */
function hangUp(stream: Socket): void {
  const isPlainTcp = stream.remoteAddress !== undefined && !('encrypted' in stream);
  if (isPlainTcp && !stream.destroyed) stream.resetAndDestroy();
  else stream.destroy();
}
