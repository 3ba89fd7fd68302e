/**
 * What an attacker tries first: common passwords and the account's own words, in any case and form, with a year or
 * a mark added (NIST SP 800-63B-4 section 3.1.1.2: "derivatives thereof"; OWASP ASVS 5.0 6.1.2, 6.2.4 and 6.2.11).
 *
 * The rule: such a word, or a repetition, adds nothing to a password. What is left has to be a password itself, of
 * eight characters. So `ada.lovelace` makes `Lovelace-1815` refusable and leaves `lovelace met a difference engine`.
 */
import { dictionary } from '@zxcvbn-ts/language-common';
import { countCharacters, foldText } from '../lib/text.js';

/** NIST's shortest password. */
const ENOUGH = 8;
/** Shorter words turn up in good passwords by chance. */
const MIN_WORD = 4;
/** Of each own word; a longer one is refused as what it is meant to be. */
const MAX_OWN_WORD = 320;
/** Zero-width characters and others that do not show (Unicode 17, 5.21): between letters they would hide a word. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** 49,000 passwords in lower case; some 30 ms and 4 MB at start. */
const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

const OWN_ERROR = 'must be more than your e-mail address, your names or the name of this service with a few characters';
const COMMON_ERROR = 'must be more than a common password, a repetition or a sequence with a few characters';

/**
 * Why a password would be guessed early, to show to its owner, or undefined.
 * @param words the account's e-mail address and names, and the names of the service
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

/** A name and its parts: `ada@mail.example.com` as a whole, `mail` and `example`; `ada` and `com` are too short. */
function wordsOf(name: string): string[] {
  const whole = foldText(name.slice(0, MAX_OWN_WORD).replace(INVISIBLE, '')).trim();
  return [whole, ...whole.split(/[^\p{L}\p{M}\p{N}]+/u)].filter((word) => countCharacters(word) >= MIN_WORD);
}

function isCommon(text: string): boolean {
  const unit = repeatedUnit(text);
  if (unit !== undefined) return isShort(unit) || isCommon(unit);
  if (isSequence(text) || COMMON.has(text)) return true;
  // Without the digits and marks around its letters, and without the marks around its letters and digits.
  const cores = [/\p{L}(?:.*\p{L})?/su, /[\p{L}\p{N}](?:.*[\p{L}\p{N}])?/su].map((core) => core.exec(text)?.[0] ?? '');
  return cores.some((core) => core.length >= MIN_WORD && COMMON.has(core) && text.length - core.length < ENOUGH);
}

/** The shortest text that, repeated twice or more, is a text; undefined if there is none. In linear time (Knuth, Morris, Pratt). */
function repeatedUnit(text: string): string | undefined {
  /** By place: how long a beginning of the text ends there. */
  const borders = [0];
  for (let at = 1, border = 0; at < text.length; at += 1) {
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1]!;
    if (text[at] === text[border]) border += 1;
    borders.push(border);
  }
  const period = text.length - borders.at(-1)!;
  return period < text.length && text.length % period === 0 ? text.slice(0, period) : undefined;
}

/** `abcdefgh`, `98765432`: each character the next of the one before, or each the previous. */
function isSequence(text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0)!);
  const steps = new Set(points.slice(1).map((point, index) => point - points[index]!));
  return steps.size === 1 && (steps.has(1) || steps.has(-1));
}

function isShort(text: string): boolean {
  return countCharacters(text) < ENOUGH;
}
