/** Counts the work of code independently of the machine: how often V8 ran each block. */
import { Session } from 'node:inspector/promises';

export interface StepCounter {
  /** The number of executed blocks (function bodies, branches, loop bodies), also if `work` throws. */
  count(work: () => unknown): Promise<number>;
}

/**
 * Starts counting. Import the modules to count afterwards.
 * @param counts selects scripts by URL
 */
export async function startStepCounter(
  t: { teardown(work: () => unknown): void },
  counts: (url: string) => boolean,
): Promise<StepCounter> {
  const session = new Session();
  session.connect();
  t.teardown(() => session.disconnect());
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const take = async (): Promise<number> => {
    const { result } = await session.post('Profiler.takePreciseCoverage');
    let steps = 0;
    for (const { url, functions } of result) {
      if (!counts(url)) continue;
      for (const { ranges } of functions) for (const { count } of ranges) steps += count;
    }
    return steps;
  };
  return {
    async count(work) {
      await take();
      try {
        work();
      } catch {
        // An error is a valid outcome.
      }
      return take();
    },
  };
}
