/** Classifies database errors. Drizzle wraps driver errors, so these functions search the chain of causes. */
import { AppError, serviceUnavailable } from '../lib/errors.js';

/** The name of the violated constraint: `constraint` in PGlite, `constraint_name` in postgres.js. */
export function constraintOf(error: unknown): string | undefined {
  for (const link of causes(error)) {
    const name = link['constraint_name'] ?? link['constraint'];
    if (typeof name === 'string') return name;
  }
  return undefined;
}

/** The SQLSTATE, such as `28P01`; undefined if the error did not come from Postgres. */
export function sqlStateOf(error: unknown): string | undefined {
  for (const { code, severity, severity_local: ofPoolers } of causes(error)) {
    if (typeof code === 'string' && (severity ?? ofPoolers) !== undefined) return code;
  }
  return undefined;
}

/**
 * Codes of transient errors: SQLSTATE classes 08 (connection), 53 (resources) and 57 (operator intervention, statement timeout), 25006
 * (read-only: a standby after a failover), 25P03 (idle in transaction), 40001 and 40P01 (serialisation, deadlock), and codes of
 * postgres.js, dial.ts and the socket.
 */
const TRANSIENT =
  /^(?:08...|53...|57...|25006|25P03|40001|40P01|CONNECT_TIMEOUT|CONNECTION_\w+|SERVER_HUNG_UP|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

/** SERVICE_UNAVAILABLE if the database is unavailable or overloaded; undefined for any other error. */
export function outage(error: unknown): AppError | undefined {
  for (const link of causes(error)) {
    if (link instanceof AppError && link.code === 'SERVICE_UNAVAILABLE') return link;
    const { code, message } = link;
    if (typeof code === 'string' && TRANSIENT.test(code))
      return serviceUnavailable('The database is unavailable.', 1, error);
    if (message === 'PGlite is closed') return serviceUnavailable('The database is closed.', 1, error);
  }
  return undefined;
}

const unsent = new WeakSet<object>();

/** Marks an error that occurred before anything was sent. */
export function markUnsent<E>(error: E): E {
  if (typeof error === 'object' && error !== null) unsent.add(error);
  return error;
}

/** Codes of postgres.js and the socket for a connection that was never established. */
const NEVER_CONNECTED = /^(?:CONNECT_TIMEOUT|ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/;

/**
 * Whether a failed transaction may have committed. Not if Postgres rejected it or nothing was sent. Class 08 is not a rejection: a
 * pooler reports it for the connection behind it.
 */
export function mayHaveCommitted(error: unknown): boolean {
  if (!outage(error) || !(sqlStateOf(error)?.startsWith('08') ?? true)) return false;
  return !causes(error).some((link) => unsent.has(link) || NEVER_CONNECTED.test(String(link['code'])));
}

/** Bounds the search in case of a cycle. */
const MAX_CAUSES = 8;

/** An error and its causes, outermost first. */
export function causes(error: unknown): Record<string, unknown>[] {
  const chain: Record<string, unknown>[] = [];
  for (let link = error; typeof link === 'object' && link !== null && chain.length < MAX_CAUSES;) {
    const current = link as Record<string, unknown>;
    chain.push(current);
    link = current['cause'];
  }
  return chain;
}
