/** Reads codes as people type and paste them. Pure functions. */

/** In UTF-16 units. Longer input is rejected without further work. */
const MAX_UNITS = 100;
/** White space, dashes of every kind, and invisible characters. */
const SEPARATORS = /[\p{Z}\s\p{Pd}\p{Cf}\u2212]/gu;

/** A code without separators, in NFKC (full-width digits become ASCII), in upper case. */
export function normalizeCode(code: string): string {
  return code.length > MAX_UNITS ? '' : code.normalize('NFKC').replace(SEPARATORS, '').toUpperCase();
}
