/** Continuous reads and writes during an outage. */
import type { TestScope } from './app.js';
import { ask, someone, startLoad, until, type Answer } from './instances.js';
import type { ServerProcess } from './process.js';
import { ME, REGISTER } from './seed.js';

export interface MixedLoad {
  /** Resolves after the last response. */
  stop(): Promise<void>;
  /** Unexpected outcomes: all but success and SERVICE_UNAVAILABLE. */
  readonly bad: readonly string[];
  served(): number;
  refused(): number;
  slowestMs(): number;
  /** Resolves after this number of further successful requests. */
  untilServed(more: number): Promise<unknown>;
  /** Resolves after this number of further refused requests. */
  untilRefused(more: number): Promise<unknown>;
}

const isBounded = ({ code }: Answer) => code === undefined || code === 'SERVICE_UNAVAILABLE';

/** Starts eight callers: four read with `token`, four register accounts. */
export function mixedLoad(t: TestScope, server: ServerProcess, token: string): MixedLoad {
  const bad: string[] = [];
  let [served, refused, slowestMs] = [0, 0, 0];
  const load = startLoad(t, 8, async (caller) => {
    const started = performance.now();
    const answer = await (
      caller % 2 === 0 ? ask(server, ME, {}, { token }) : ask(server, REGISTER, { input: someone() })
    ).catch((error: unknown) => ({ status: 0, data: undefined, code: String(error) }) as unknown as Answer);
    slowestMs = Math.max(slowestMs, performance.now() - started);
    if (!isBounded(answer)) bad.push(String(answer.code));
    else if (answer.code === undefined) served += 1;
    else {
      refused += 1;
      // Refusals arrive without delay.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  const reaching = (count: () => number, more: number) => {
    const goal = count() + more;
    return until(async () => count() >= goal);
  };
  return {
    stop: load.stop,
    bad,
    served: () => served,
    refused: () => refused,
    slowestMs: () => slowestMs,
    untilServed: (more) => reaching(() => served, more),
    untilRefused: (more) => reaching(() => refused, more),
  };
}
