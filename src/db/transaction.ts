/**
 * One transaction on one connection. It is begun and ended here and not by postgres.js, which rolls back on a connection
 * that is lost as well.
 */
import { serviceUnavailable } from '../lib/errors.js';
import { connectionLost, type PostgresConnection, type Query } from './connection.js';
import { sqlStateOf } from './errors.js';

/** in_failed_sql_transaction */
const ABORTED = '25P02';

/**
 * Runs `work` between BEGIN and COMMIT; whatever fails rolls back, also a statement whose failure `work` swallows.
 * @throws AppError SERVICE_UNAVAILABLE as soon as the connection is lost, whatever `work` waits for
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
    // Postgres would roll back at the commit, and say nothing.
    if (failure) throw failure;
    await query('commit');
    return result;
  } catch (error) {
    if (!connection.isLost()) await query('rollback').catch((reason: unknown) => connection.discard(reason));
    // Of statements that went together, those after the one that failed say only that they came too late.
    throw sqlStateOf(error) === ABORTED && failure ? failure : error;
  } finally {
    over = true;
  }
}

function untilLost(connection: PostgresConnection): Promise<never> {
  return new Promise((_, reject) => connection.onLost((cause) => reject(connectionLost(cause))));
}
