/**
 * One read per authenticated request, and one statement for all requests of a tick: under load the
 * sessions that arrive together are read together. Nothing is remembered from one tick to the next,
 * so a revocation holds from the next request on.
 */
import type { SessionWithAccount } from './repository.js';

/** Keeps a statement's array small enough to stay one index scan; more ids than this go in several. */
const MAX_BATCH = 200;

interface Waiting {
  readonly promise: Promise<SessionWithAccount | undefined>;
  readonly resolve: (found: SessionWithAccount | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads a session with its account by the session's id; undefined when there is none. */
export type ReadSession = (sessionId: string) => Promise<SessionWithAccount | undefined>;

/** @param read the prepared statement for many ids */
export function createLivenessReader(read: (ids: readonly string[]) => Promise<SessionWithAccount[]>): ReadSession {
  let batch = new Map<string, Waiting>();

  async function flush(): Promise<void> {
    if (batch.size === 0) return;
    const waiting = batch;
    batch = new Map();
    try {
      const rows = await read([...waiting.keys()]);
      const found = new Map(rows.map((row) => [row.session.id, row]));
      for (const [id, { resolve }] of waiting) resolve(found.get(id));
    } catch (error) {
      for (const { reject } of waiting.values()) reject(error);
    }
  }

  return (sessionId) => {
    const joined = batch.get(sessionId);
    if (joined) return joined.promise;
    if (batch.size >= MAX_BATCH) void flush();
    if (batch.size === 0) setImmediate(() => void flush());
    const waiting = deferred();
    batch.set(sessionId, waiting);
    return waiting.promise;
  };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred(): Waiting {
  let resolve!: Waiting['resolve'];
  let reject!: Waiting['reject'];
  const promise = new Promise<SessionWithAccount | undefined>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
