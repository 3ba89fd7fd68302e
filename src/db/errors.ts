/** Reads what went wrong out of a driver's error; Drizzle wraps it, so the chain of causes is walked. */
import { AppError, serviceUnavailable } from '../lib/errors.js';

/** The violated constraint's name: PGlite calls it `constraint`, postgres.js `constraint_name`. */
export function constraintOf(error: unknown): string | undefined {
  for (const link of causes(error)) {
    const name = link['constraint_name'] ?? link['constraint'];
    if (typeof name === 'string') return name;
  }
  return undefined;
}

/** What Postgres calls the error, such as `28P01`; undefined where it was not Postgres that refused. */
export function sqlStateOf(error: unknown): string | undefined {
  for (const { code, severity, severity_local: ofPoolers } of causes(error)) {
    if (typeof code === 'string' && (severity ?? ofPoolers) !== undefined) return code;
  }
  return undefined;
}

/**
 * Faults that time heals. Postgres's classes 08 (connection), 53 (resources) and 57 (operator intervention,
 * statement timeout), 25006 (read-only: a standby after a failover), 25P03 (idle in transaction), 40001 and 40P01
 * (serialisation, deadlock); the rest are postgres.js's, dial.ts's and the socket's own.
 */
const TRANSIENT =
  /^(?:08...|53...|57...|25006|25P03|40001|40P01|CONNECT_TIMEOUT|CONNECTION_\w+|SERVER_HUNG_UP|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

/** SERVICE_UNAVAILABLE when the database is away or overloaded; undefined for any other error. */
export function outage(error: unknown): AppError | undefined {
  for (const link of causes(error)) {
    if (link instanceof AppError && link.code === 'SERVICE_UNAVAILABLE') return link;
    const { code, message } = link;
    if (typeof code === 'string' && TRANSIENT.test(code)) return serviceUnavailable('The database is away.', 1, error);
    if (message === 'PGlite is closed') return serviceUnavailable('The database is closed.', 1, error);
  }
  return undefined;
}

const unsent = new WeakSet<object>();

/** Marks a failure that came before anything was sent. */
export function markUnsent<E>(error: E): E {
  if (typeof error === 'object' && error !== null) unsent.add(error);
  return error;
}

/** postgres.js's and the socket's own, of a connection that was never made. */
const NEVER_CONNECTED = /^(?:CONNECT_TIMEOUT|ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/;

/**
 * Whether there may be a commit behind a failure: not where Postgres itself refused, nor where nothing was sent. Class 08
 * is no refusal: a pooler in between says so of the connection behind it.
 */
export function mayHaveCommitted(error: unknown): boolean {
  if (!outage(error) || !(sqlStateOf(error)?.startsWith('08') ?? true)) return false;
  return !causes(error).some((link) => unsent.has(link) || NEVER_CONNECTED.test(String(link['code'])));
}

/** Deep enough for every wrapper there is; a cycle cannot hold it. */
const MAX_CAUSES = 8;

/** An error and what caused it, from the outside in. */
export function causes(error: unknown): Record<string, unknown>[] {
  const chain: Record<string, unknown>[] = [];
  for (let link = error; typeof link === 'object' && link !== null && chain.length < MAX_CAUSES;) {
    const current = link as Record<string, unknown>;
    chain.push(current);
    link = current['cause'];
  }
  return chain;
}
