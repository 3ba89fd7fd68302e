// Statistics.

/** The median; the lower one of an even number of values. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
}

/** A quantile of sorted numbers, by nearest rank. */
export function percentile(sorted, fraction) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)];
}

/** Ratios of two series in pairs. Noise of one round affects both values and cancels out. */
export function pairedRatios(numerators, denominators) {
  const ratios = numerators.map((numerator, round) => numerator / denominators[round]);
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}
