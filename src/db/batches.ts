/**
 * Batches concurrent calls into one statement: calls of the same event-loop turn, and calls that arrive while the previous
 * statement runs. A call never gets a result that was read before the call.
 */

/** Keeps the arrays of a statement small enough for an index scan. */
const MAX_BATCH = 200;
/** Concurrent statements. By measurement, more of them cost a busy server 10 % of its throughput. */
const MAX_RUNNING = 1;
/** The maximum wait for the running statement, in milliseconds. */
const MAX_WAIT_MS = 3;

export interface Batches<Call, Result> {
  /** The result of an unsent call with this key, if there is one. */
  waiting(key: string): Promise<Result | undefined> | undefined;
  /**
   * Adds a call to the next statement. A second call with the same key goes into the following statement.
   * @returns undefined if the statement has no result for the key
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
 * @param run runs one statement for several calls
 * @param keyOf the key of the call that a result belongs to
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
