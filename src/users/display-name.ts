/**
 * Validates display names. Administrators rely on them, so names must not be visually deceptive (Unicode TR 36, 2.10 and
 * 3.1; TR 39, 5.4): every script and emoji are allowed, invisible characters and direction overrides are not.
 */
import { countCharacters } from '../lib/text.js';

const MAX_LENGTH = 64;
/** In UTF-16 units; longer names are rejected without further checks. */
const MAX_UNITS = MAX_LENGTH * 4;

/**
 * Controls, format characters (direction and zero width among them), lone surrogates, unassigned code points, line ends,
 * fillers, and the blank pattern of Braille.
 */
const UNFIT = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
/** More combining marks than any orthography stacks; they would overlap neighbouring lines. */
const STACKED = /\p{Mn}{5}/u;
/** Emoji, including ZWJ sequences, skin tones and keycaps. */
const EMOJI =
  /\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*|[\d#*]\ufe0f?\u20e3/gu;
/** Joiners change the shape of letters in these scripts (UAX 31, 2.3.1). In others they are only invisible. */
const JOINER =
  /(?<=[\p{sc=Arab}\p{sc=Syrc}\p{sc=Deva}\p{sc=Beng}\p{sc=Guru}\p{sc=Gujr}\p{sc=Orya}\p{sc=Taml}\p{sc=Telu}\p{sc=Knda}\p{sc=Mlym}\p{sc=Sinh}\p{sc=Khmr}])[\u200c\u200d](?=\p{L})/gu;

/** The stored form of a valid name: NFC, single ASCII spaces (RFC 8266, 2.1). */
export function cleanDisplayName(name: string): string {
  return name
    .normalize('NFC')
    .replace(/\p{Zs}+/gu, ' ')
    .trim();
}

/** A message for the user if the name is invalid; undefined otherwise. */
export function displayNameError(name: string): string | undefined {
  const tooLong = `must be at most ${MAX_LENGTH} characters`;
  if (name.length > MAX_UNITS) return tooLong;
  const clean = cleanDisplayName(name);
  if (clean === '') return 'must not be empty; null clears it';
  if (countCharacters(clean) > MAX_LENGTH) return tooLong;
  const rest = clean.replace(EMOJI, ' ').replace(JOINER, '');
  return UNFIT.test(rest) || STACKED.test(rest)
    ? 'must not contain control characters, invisible characters or characters that change the text direction'
    : undefined;
}
