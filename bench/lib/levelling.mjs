// Warming up until a server costs the same from one window of requests to the next: code is compiled as it runs, and how
// long that takes depends on the machine.

/** The number of windows in each median. With several, one disturbed window has no effect. */
const COMPARED = 3;
/** A share of the CPU time of a request. Smaller savings are less than the difference between rounds. */
const TOLERANCE = 0.05;

const middleOf = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/**
 * Whether a series of costs has levelled off: the last windows are no cheaper than those before them, by their medians.
 * More expensive ones count as level, since compiled code does not become slower: the machine has other work.
 * @param costs CPU time of a request in each window, in any unit
 */
export function isLevel(costs, { compared = COMPARED, tolerance = TOLERANCE } = {}) {
  if (costs.length < compared * 2) return false;
  const before = middleOf(costs.slice(-compared * 2, -compared));
  const after = middleOf(costs.slice(-compared));
  return after >= before * (1 - tolerance);
}

/**
 * Runs windows until their cost levels off.
 * @param window runs one; returns the CPU time of a request in it
 * @param bound windows after which it stops in any case
 * @returns how many windows there were, and whether the cost was level at the end
 */
export async function levelOff(window, { bound = 30, ...options } = {}) {
  const costs = [];
  while (costs.length < bound && !isLevel(costs, options)) costs.push(await window());
  return { windows: costs.length, level: isLevel(costs, options), costs };
}
