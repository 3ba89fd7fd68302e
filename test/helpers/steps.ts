/** Counts the work of a piece of code in steps, independent of the machine: how often V8 ran each of its blocks. */
import { Session } from 'node:inspector/promises';

export interface StepCounter {
  /** How many blocks (function bodies, branches, loop bodies) ran, whatever the outcome. */
  count(work: () => unknown): Promise<number>;
}

/**
 * Starts counting. Modules whose loops are to be counted must be imported afterwards.
 * @param counts which scripts count, by their URL
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
        // A refusal is an outcome.
      }
      return take();
    },
  };
}
