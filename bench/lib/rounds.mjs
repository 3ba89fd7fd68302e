// Runs variants in turns (A B C, A B C, …), so that other work of the machine affects all of them equally.
import { median, pairedRatios } from './stats.mjs';

/**
 * Runs every variant once in each round.
 * @param variants `{ name, run(), … }`; `run` measures once
 * @param progress receives each result
 * @returns the variants with `runs`, and with the medians of the values of their runs
 */
export async function interleave(variants, rounds, progress) {
  const runs = variants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, variant] of variants.entries()) {
      const result = await variant.run();
      runs[index].push(result);
      progress(`  ${round + 1}/${rounds} ${variant.name}: ${Math.round(result.perSecond)}/s`);
    }
  }
  return variants.map((variant, index) => ({ ...variant, runs: runs[index], ...middle(runs[index]) }));
}

/** The runs of a variant against those of another, round by round. */
export function against(variant, base, of = (run) => run.perSecond) {
  return pairedRatios(variant.runs.map(of), base.runs.map(of));
}

function middle(runs) {
  const of = (read) => (runs.every((run) => read(run) !== undefined) ? median(runs.map(read)) : undefined);
  return {
    perSecond: of((run) => run.perSecond),
    p50: of((run) => run.p50),
    p99: of((run) => run.p99),
    serverCpu: of((run) => run.cpu?.server),
    databaseCpu: of((run) => run.cpu?.database),
    loadCpu: of((run) => run.cpu?.load),
  };
}
