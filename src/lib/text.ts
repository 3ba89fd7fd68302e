/** What people type, when two spellings are the same text, and how long it is. Pure functions. */

/**
 * The form in which texts are compared: Unicode compatibility (NFKC) and full case folding, so that `ＳＴＲＡẞＥ`,
 * `strasse` and `ſtraße` are one. JavaScript has no case folding; upper case expands (ß → SS), lower case around it
 * settles what has several capitals (ẞ) or small letters (ſ, ς). `foldText(foldText(x)) === foldText(x)`.
 * @see Unicode Standard 3.13, toNFKC_Casefold; only invisible characters stay where they are
 */
export function foldText(text: string): string {
  return text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC');
}

/** Length in code points, as NIST SP 800-63B-4 section 3.1.1.2 counts. */
export function countCharacters(text: string): number {
  return Array.from(text).length;
}
