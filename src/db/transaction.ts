/**
 * Runs a transaction on a connection. Does not use transactions of postgres.js, which tries to roll back on a lost connection.
 */
import { serviceUnavailable } from '../lib/errors.js';
import { connectionLost, type PostgresConnection, type Query } from './connection.js';
import { sqlStateOf } from './errors.js';

/** SQLSTATE in_failed_sql_transaction. */
const ABORTED = '25P02';

/**
 * Runs `work` between BEGIN and COMMIT. Any failed statement rolls back, even if `work` catches the error.
 * @throws AppError SERVICE_UNAVAILABLE as soon as the connection is lost, even if `work` waits for something else
 */
export function runTransaction<T>(connection: PostgresConnection, work: (query: Query) => Promise<T>): Promise<T> {
  return Promise.race([runBetweenBeginAndCommit(connection, work), untilLost(connection)]);
}

async function runBetweenBeginAndCommit<T>(
  connection: PostgresConnection,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  let failure: Error | undefined;
  let over = false;
  const query: Query = async (...statement) => {
    if (over) throw serviceUnavailable('The transaction is over.');
    try {
      return await connection.query(...statement);
    } catch (error) {
      if (error instanceof Error) failure ??= error;
      throw error;
    }
  };
  await query('begin');
  try {
    const result = await work(query);
    // COMMIT would roll back silently.
    if (failure) throw failure;
    await query('commit');
    return result;
  } catch (error) {
    if (!connection.isLost()) await query('rollback').catch((reason: unknown) => connection.discard(reason));
    // With concurrent statements, those after the failed one report only in_failed_sql_transaction.
    throw sqlStateOf(error) === ABORTED && failure ? failure : error;
  } finally {
    over = true;
  }
}

function untilLost(connection: PostgresConnection): Promise<never> {
  return new Promise((_, reject) => connection.onLost((cause) => reject(connectionLost(cause))));
}
