/**
 * One read per authenticated request, and one statement for all requests of a moment: under load the sessions that
 * arrive together, or while the statement before runs, are read together. Each is read after it was asked for and
 * nothing is remembered, so a revocation holds from the next request on.
 */
import type { LiveSession } from './repository.js';

/** Keeps a statement's array small enough to stay one index scan; more ids than this go in several. */
const MAX_BATCH = 200;
/** Statements that run before others wait for them: measured, more of them cost a busy server a tenth of its time. */
const MAX_RUNNING = 1;
/** How long a statement waits for others at the most, in milliseconds: a slow one holds nobody up for longer. */
const MAX_WAIT_MS = 3;

interface Waiting {
  readonly promise: Promise<LiveSession | undefined>;
  readonly resolve: (found: LiveSession | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads a session with its account by the session's id; undefined when there is none. */
export type ReadSession = (sessionId: string) => Promise<LiveSession | undefined>;

/** @param read the prepared statement for many ids */
export function createLivenessReader(read: (ids: readonly string[]) => Promise<LiveSession[]>): ReadSession {
  let batch = new Map<string, Waiting>();
  let running = 0;
  let patience: NodeJS.Timeout | undefined;

  function depart(): void {
    if (running < MAX_RUNNING) void flush();
    else patience ??= setTimeout(() => void flush(), MAX_WAIT_MS);
  }

  async function flush(): Promise<void> {
    clearTimeout(patience);
    patience = undefined;
    if (batch.size === 0) return;
    const waiting = batch;
    batch = new Map();
    running += 1;
    try {
      const rows = await read([...waiting.keys()]);
      const found = new Map(rows.map((row) => [row.session.id, row]));
      for (const [id, { resolve }] of waiting) resolve(found.get(id));
    } catch (error) {
      for (const { reject } of waiting.values()) reject(error);
    } finally {
      running -= 1;
      if (running < MAX_RUNNING) void flush();
    }
  }

  return (sessionId) => {
    const joined = batch.get(sessionId);
    if (joined) return joined.promise;
    if (batch.size >= MAX_BATCH) void flush();
    if (batch.size === 0) setImmediate(depart);
    const waiting = deferred();
    batch.set(sessionId, waiting);
    return waiting.promise;
  };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred(): Waiting {
  let resolve!: Waiting['resolve'];
  let reject!: Waiting['reject'];
  const promise = new Promise<LiveSession | undefined>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
