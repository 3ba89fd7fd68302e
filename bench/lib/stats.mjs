// What many numbers come to.

/** The middle of numbers; of an even count the lower of the two in the middle. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
}

/** Of sorted numbers the one that so much of them is below; nearest rank. */
export function percentile(sorted, fraction) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)];
}

/** Ratios of two series, pair by pair: noise that both met in one round cancels out. */
export function pairedRatios(numerators, denominators) {
  const ratios = numerators.map((numerator, round) => numerator / denominators[round]);
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}
