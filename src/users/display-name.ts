/**
 * Names to show, which administrators read and decide by: what is seen is what is there (Unicode TR 36, 2.10 and 3.1;
 * TR 39, 5.4). Any script, and emoji; nothing that does not show or turns the direction of what stands around it.
 */
import { countCharacters } from '../lib/text.js';

const MAX_LENGTH = 64;
/** UTF-16 units that are worth a closer look. */
const MAX_UNITS = MAX_LENGTH * 4;

/**
 * Controls, format characters (direction and zero width among them), lone surrogates, unassigned code points, line ends,
 * fillers, and the blank pattern of Braille.
 */
const UNFIT = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
/** More marks than any orthography stacks: they climb over the lines around. */
const STACKED = /\p{Mn}{5}/u;
/** An emoji may be several, joined, each in a colour; a keycap is a digit in a frame. */
const EMOJI =
  /\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*|[\d#*]\ufe0f?\u20e3/gu;
/** In these scripts a joiner changes how letters look (UAX 31, 2.3.1); elsewhere it only hides. */
const JOINER =
  /(?<=[\p{sc=Arab}\p{sc=Syrc}\p{sc=Deva}\p{sc=Beng}\p{sc=Guru}\p{sc=Gujr}\p{sc=Orya}\p{sc=Taml}\p{sc=Telu}\p{sc=Knda}\p{sc=Mlym}\p{sc=Sinh}\p{sc=Khmr}])[\u200c\u200d](?=\p{L})/gu;

/** What is stored of a name without fault: in NFC, with single ordinary spaces (RFC 8266, 2.1). */
export function cleanDisplayName(name: string): string {
  return name
    .normalize('NFC')
    .replace(/\p{Zs}+/gu, ' ')
    .trim();
}

/** What is wrong with a name, to show to its owner, or undefined. */
export function displayNameError(name: string): string | undefined {
  const tooLong = `must be at most ${MAX_LENGTH} characters`;
  if (name.length > MAX_UNITS) return tooLong;
  const clean = cleanDisplayName(name);
  if (clean === '') return 'must not be empty; null clears it';
  if (countCharacters(clean) > MAX_LENGTH) return tooLong;
  const rest = clean.replace(EMOJI, ' ').replace(JOINER, '');
  return UNFIT.test(rest) || STACKED.test(rest)
    ? 'must not contain control characters, or characters that do not show or that turn the direction of the text'
    : undefined;
}
