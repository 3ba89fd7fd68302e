/**
 * Rejects common passwords and passwords built from the account's own words, including derivatives such as an added year or
 * punctuation mark (NIST SP 800-63B-4 section 3.1.1.2; OWASP ASVS 5.0 6.1.2, 6.2.4 and 6.2.11).
 *
 * A blocked word or a repetition does not count towards the length; the rest must be a password of eight characters. For
 * `ada.lovelace`, `Lovelace-1815` is rejected and `lovelace met a difference engine` is accepted.
 */
import { dictionary } from '@zxcvbn-ts/language-common';
import { countCharacters, foldText } from '../lib/text.js';

/** The minimum length in NIST SP 800-63B-4. */
const MIN_LENGTH = 8;
/** Shorter words occur in strong passwords by chance. */
const MIN_WORD = 4;
/** Own words are cut to this length; longer ones fail the validation of their own field. */
const MAX_OWN_WORD = 320;
/** Zero-width and other invisible characters (Unicode 17, 5.21), which could hide a word. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** 49,000 lower-case passwords. Loading takes about 30 ms and 4 MB. */
const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

const OWN_ERROR = 'must be more than your email address, your names or the name of this service with a few characters';
const COMMON_ERROR = 'must be more than a common password, a repetition or a sequence with a few characters';

/**
 * A message for the user if the password is on the blocklist; undefined otherwise.
 * @param words the account's email address and names, and the names of the service
 */
export function blocklistError(password: string, words: readonly string[]): string | undefined {
  const folded = foldText(password.replace(INVISIBLE, ''));
  const rest = words
    .flatMap(wordsOf)
    .sort((a, b) => b.length - a.length)
    .reduce((text, word) => text.replaceAll(word, ''), folded);
  if (rest !== folded && isShort(rest)) return OWN_ERROR;
  return isCommon(rest) ? COMMON_ERROR : undefined;
}

/** A name and its parts: for `ada@mail.example.com` the whole, `mail` and `example`; `ada` and `com` are too short. */
function wordsOf(name: string): string[] {
  const whole = foldText(name.slice(0, MAX_OWN_WORD).replace(INVISIBLE, '')).trim();
  return [whole, ...whole.split(/[^\p{L}\p{M}\p{N}]+/u)].filter((word) => countCharacters(word) >= MIN_WORD);
}

function isCommon(text: string): boolean {
  const unit = repeatedUnit(text);
  if (unit !== undefined) return isShort(unit) || isCommon(unit);
  if (isSequence(text) || COMMON.has(text)) return true;
  // The password without surrounding digits and marks, and without surrounding marks only.
  const cores = [/\p{L}(?:.*\p{L})?/su, /[\p{L}\p{N}](?:.*[\p{L}\p{N}])?/su].map((core) => core.exec(text)?.[0] ?? '');
  return cores.some((core) => core.length >= MIN_WORD && COMMON.has(core) && text.length - core.length < MIN_LENGTH);
}

/** The shortest unit of which the text is a repetition; undefined if there is none. Linear time (Knuth-Morris-Pratt). */
function repeatedUnit(text: string): string | undefined {
  /** The KMP failure function. */
  const borders = [0];
  for (let at = 1, border = 0; at < text.length; at += 1) {
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1]!;
    if (text[at] === text[border]) border += 1;
    borders.push(border);
  }
  const period = text.length - borders.at(-1)!;
  return period < text.length && text.length % period === 0 ? text.slice(0, period) : undefined;
}

/** Whether code points ascend or descend by one, as in `abcdefgh` and `98765432`. */
function isSequence(text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0)!);
  const steps = new Set(points.slice(1).map((point, index) => point - points[index]!));
  return steps.size === 1 && (steps.has(1) || steps.has(-1));
}

function isShort(text: string): boolean {
  return countCharacters(text) < MIN_LENGTH;
}
