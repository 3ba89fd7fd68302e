/** Runs background jobs at fixed intervals. A failed run is logged, and the next interval runs the job again. */

export interface Job {
  readonly name: string;
  /** Milliseconds. */
  readonly everyMs: number;
  /** @param stop aborted at shutdown: a long run ends at its next safe point */
  run(stop?: AbortSignal): Promise<unknown>;
}

/**
 * Starts the timers. They do not keep the process alive.
 * @returns stops the timers and waits for running jobs
 */
export function startJobs(
  jobs: readonly Job[],
  log: { warn(fields: object, message: string): void },
): () => Promise<void> {
  const running = new Map<Job, Promise<void>>();
  const stop = new AbortController();

  function begin(job: Job): void {
    // A run that takes longer than the interval is not started twice.
    if (running.has(job)) return;
    const run = job
      .run(stop.signal)
      .then(
        () => undefined,
        (err: unknown) => log.warn({ err, job: job.name }, 'Job failed; it will run again'),
      )
      .finally(() => running.delete(job));
    running.set(job, run);
  }

  const timers = jobs.map((job) => setInterval(() => begin(job), job.everyMs).unref());
  return async () => {
    timers.forEach((timer) => clearInterval(timer));
    stop.abort();
    await Promise.all(running.values());
  };
}
