/**
 * One connection to a real Postgres, used by one caller at a time and never again once it is lost. postgres.js (3.4.9)
 * cannot be left to replace a connection that was lost under a transaction: it writes to a socket that is gone, which ends
 * the process (its issue 1208), or on its successor, within another transaction (1216), or sticks (1215). So each
 * connection is a client of its own.
 */
import { connect, type Socket } from 'node:net';
import postgres, { type Options, type Sql } from 'postgres';

export interface Connection {
  readonly client: Sql;
  /** On the clock of `performance.now()`. */
  readonly openedAt: number;
  isLost(): boolean;
  /** Ends it at once, whatever the other end does; Postgres rolls back what was open. What runs on it fails. */
  discard(cause?: unknown): void;
  /** Who uses it is told when it is lost; the last one who asked. */
  onLost(listener: (cause: unknown) => void): void;
  /** Takes leave of the server first, for which it has a second. */
  end(): Promise<void>;
}

export interface ConnectionEvents {
  /** Once, however it came to an end. */
  onEnd?(): void;
  onNotification?(payload: string): void;
}

type Settings = Options<Record<string, never>>;

const GOODBYE_MS = 1_000;

/** What connections have in common. */
export interface ConnectionSettings {
  readonly url: string;
  /** How long a statement may take, and connecting; milliseconds. */
  readonly timeoutMs: number;
}

/**
 * A client that never connects: its options are what connections are made with, so that whoever teaches it how values
 * are read (Drizzle does) teaches them all.
 */
export function connectionTemplate({ url, timeoutMs }: ConnectionSettings): Sql {
  return postgres(url, {
    onnotice: () => undefined,
    max: 1,
    // A connection is given up by those who use it, between two uses.
    idle_timeout: null,
    max_lifetime: null,
    // It would ask each new connection for the types of arrays, which statements take as text, and when the connection is
    // lost meanwhile nobody catches that.
    fetch_types: false,
    connect_timeout: Math.max(1, Math.ceil(timeoutMs / 1000)),
    connection: {
      application_name: 'latchkey',
      statement_timeout: timeoutMs,
      idle_in_transaction_session_timeout: timeoutMs * 2,
    },
  } as unknown as Settings);
}

/** A connection, made when it is first used. */
export function openConnection(
  template: Sql,
  { onEnd = () => undefined, onNotification = () => undefined }: ConnectionEvents = {},
): Connection {
  let socket: Socket | undefined;
  let lost = false;
  let tellUser: (cause: unknown) => void = () => undefined;

  const discard = (cause?: unknown): void => {
    if (lost) return;
    lost = true;
    if (socket) hangUp(socket);
    void client.end({ timeout: 0 });
    onEnd();
    tellUser(cause);
  };
  // postgres.js takes its own parsed options as they are, and these, which its types leave out.
  const client = postgres({
    ...template.options,
    onclose: () => discard(),
    onnotify: (_channel: string, payload: string) => onNotification(payload),
    socket(parsed: ParsedOptions) {
      socket = dial(parsed);
      if (lost) socket.destroy();
      return socket;
    },
  } as unknown as Settings);

  return {
    client,
    openedAt: performance.now(),
    isLost: () => lost,
    discard,
    onLost: (listener) => void (tellUser = listener),
    async end() {
      const late = setTimeout(() => discard(), GOODBYE_MS);
      await client.end();
      clearTimeout(late);
      lost = true;
    },
  };
}

/** With what was sent and has not arrived: Postgres should not take up what nobody waits for. */
function hangUp(socket: Socket): void {
  // Only TCP that is connected can be reset.
  if (socket.connecting || socket.destroyed || socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

interface ParsedOptions {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false | undefined;
}

/**
 * Handed over before it is connected: a dial that failed by itself would be lost to postgres.js, which tells of an end
 * only after a socket that it saw close.
 */
function dial({ host, port, path }: ParsedOptions): Socket {
  return path ? connect(path) : connect(port[0] ?? 5432, host[0] ?? 'localhost');
}
