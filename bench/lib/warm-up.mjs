// Warms servers before they are measured, and stores the number of windows for the report.
import { levelOff } from './levelling.mjs';

/**
 * @param seconds of a window
 * @param bound windows after which a server is measured in any case
 * @param progress receives the number of windows of each
 */
export function createWarmUps({ seconds, bound, progress }) {
  const taken = [];
  return {
    /** @param run measures for so many seconds */
    async warm(name, run) {
      const result = await levelOff(async () => (await run(seconds)).cpu.server, { bound });
      taken.push({ name, ...result });
      progress(`  warm-up of ${name}: ${result.windows} windows${result.level ? '' : ', not level'}`);
    },
    /** `{ name, windows, level, costs }` of each, so far. */
    taken: () => [...taken],
  };
}
