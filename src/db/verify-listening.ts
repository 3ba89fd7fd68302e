/** Verifies at startup that notifications arrive with DATABASE_URL and DATABASE_LISTEN_URL. */
import { randomUUID } from 'node:crypto';
import { parseDatabaseUrl } from '../config/database-url.js';
import { createOpener } from './connection.js';
import { withDeadline } from './deadline.js';
import { listenOnPostgres } from './listen.js';

/** DATABASE_URL and DATABASE_LISTEN_URL do not work together. The message is for an operator. */
export class DatabaseSetupError extends Error {
  override readonly name = 'DatabaseSetupError';
}

const NOT_LISTENING =
  'a pooler that hands a connection to another client after each transaction, such as PgBouncer with pool_mode=transaction,' +
  ' delivers no notifications';

export interface VerifyOptions {
  /** Whether DATABASE_URL points to a pooler. */
  readonly pooled: boolean;
  readonly listenUrl: string | undefined;
  readonly timeoutMs: number;
}

/**
 * Verifies that notifications arrive by sending one, if a pooler or a separate URL is used.
 * @throws DatabaseSetupError if they do not arrive, or the server of `listenUrl` cannot be used
 */
export async function verifyListening({ pooled, listenUrl, timeoutMs }: VerifyOptions): Promise<void> {
  if (listenUrl === undefined) {
    if (!pooled) return;
    throw new DatabaseSetupError(
      `DATABASE_URL leads to a pooler: set DATABASE_LISTEN_URL to the Postgres behind it, or REDIS_URL; ${NOT_LISTENING}.`,
    );
  }
  const address = parseDatabaseUrl(listenUrl);
  const connection = await createOpener({ address, timeoutMs })
    .open()
    .catch((error: unknown) => {
      throw new DatabaseSetupError('DATABASE_LISTEN_URL: its server cannot be used.', { cause: error });
    });
  const channel = `latchkey_${randomUUID()}`;
  let close = async (): Promise<void> => undefined;
  try {
    const arrived = new Promise<void>((resolve) => {
      const notify = (): Promise<unknown> => connection.query(`select pg_notify('${channel}', '')`);
      const onConnection = (connected: boolean): void => void (connected && notify().catch(() => undefined));
      ({ close } = listenOnPostgres({ url: listenUrl, channel, onMessage: () => resolve(), onConnection }));
    });
    await withDeadline(arrived, timeoutMs).catch(() => {
      throw new DatabaseSetupError(
        `DATABASE_LISTEN_URL: notifications do not arrive; it has to lead to Postgres itself, or to a pooler in session mode: ${NOT_LISTENING}.`,
      );
    });
  } finally {
    await Promise.all([close(), connection.end()]);
  }
}
