/**
 * Calls of one moment in one statement: under load, those that arrive together, or while the statement before runs, go
 * together. None is answered from anything that was read before it was asked.
 */

/** Keeps a statement's arrays small enough to stay an index scan; more than this go in several. */
const MAX_BATCH = 200;
/** Statements that run before others wait for them: measured, more of them cost a busy server a tenth of its time. */
const MAX_RUNNING = 1;
/** How long a statement waits for others at the most, in milliseconds: a slow one holds nobody up for longer. */
const MAX_WAIT_MS = 3;

export interface Batches<Call, Result> {
  /** The outcome of the call of that key that still waits to be sent, if there is one. */
  waiting(key: string): Promise<Result | undefined> | undefined;
  /**
   * Sends a call with the next statement, which takes a key once: a second call of it goes with the one after.
   * @returns undefined when the statement has no result for it
   */
  add(key: string, call: Call): Promise<Result | undefined>;
}

interface Waiting<Call, Result> {
  readonly call: Call;
  readonly promise: Promise<Result | undefined>;
  readonly resolve: (result: Result | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @param run the statement for many calls
 * @param keyOf tells which call a result is for
 */
export function createBatches<Call, Result>(
  run: (calls: readonly Call[]) => Promise<readonly Result[]>,
  keyOf: (result: Result) => string,
): Batches<Call, Result> {
  let batch = new Map<string, Waiting<Call, Result>>();
  let running = 0;
  let timer: NodeJS.Timeout | undefined;

  function dispatch(): void {
    if (running < MAX_RUNNING) void flush();
    else timer ??= setTimeout(() => void flush(), MAX_WAIT_MS);
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (batch.size === 0) return;
    const sending = batch;
    batch = new Map();
    running += 1;
    try {
      const results = await run(Array.from(sending.values(), ({ call }) => call));
      const found = new Map(results.map((result) => [keyOf(result), result]));
      for (const [key, { resolve }] of sending) resolve(found.get(key));
    } catch (error) {
      for (const { reject } of sending.values()) reject(error);
    } finally {
      running -= 1;
      if (running < MAX_RUNNING) void flush();
    }
  }

  return {
    waiting: (key) => batch.get(key)?.promise,
    add(key, call) {
      if (batch.size >= MAX_BATCH || batch.has(key)) void flush();
      if (batch.size === 0) setImmediate(dispatch);
      const waiting = deferred<Call, Result>(call);
      batch.set(key, waiting);
      return waiting.promise;
    },
  };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred<Call, Result>(call: Call): Waiting<Call, Result> {
  let resolve!: Waiting<Call, Result>['resolve'];
  let reject!: Waiting<Call, Result>['reject'];
  const promise = new Promise<Result | undefined>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { call, promise, resolve, reject };
}
