/** What is done every now and then beside the requests. A failure is logged and tried again. */

/** One thing to do, and how often; milliseconds. */
export interface Chore {
  readonly name: string;
  readonly everyMs: number;
  /** @param stop says that the process is to end: what takes long ends where it may */
  run(stop?: AbortSignal): Promise<unknown>;
}

/** Starts the timers, which keep no process alive; returns what stops them and waits for what runs. */
export function startMaintenance(
  chores: readonly Chore[],
  log: { warn(fields: object, message: string): void },
): () => Promise<void> {
  const running = new Map<Chore, Promise<void>>();
  const stop = new AbortController();

  function begin(chore: Chore): void {
    // One that takes longer than its time is not started a second time.
    if (running.has(chore)) return;
    const run = chore
      .run(stop.signal)
      .then(
        () => undefined,
        (err: unknown) => log.warn({ err }, `${chore.name} failed; it will be tried again`),
      )
      .finally(() => running.delete(chore));
    running.set(chore, run);
  }

  const timers = chores.map((chore) => setInterval(() => begin(chore), chore.everyMs).unref());
  return async () => {
    timers.forEach((timer) => clearInterval(timer));
    stop.abort();
    await Promise.all(running.values());
  };
}
