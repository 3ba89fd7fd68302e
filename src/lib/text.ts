/** Comparison and length of user input. Pure functions. */

/**
 * The form for comparisons: Unicode compatibility (NFKC) and full case folding, so `ＳＴＲＡẞＥ`, `strasse` and `ſtraße` are equal.
 * JavaScript has no case folding: upper case expands (ß → SS), and lower case before and after it unifies letters with
 * several capitals (ẞ) or small forms (ſ, ς). Idempotent.
 * @see Unicode Standard 3.13, toNFKC_Casefold; only invisible characters stay where they are
 */
export function foldText(text: string): string {
  return text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC');
}

/** Length in code points, as NIST SP 800-63B-4 section 3.1.1.2 counts. */
export function countCharacters(text: string): number {
  return Array.from(text).length;
}
