import fc from 'fast-check';
import t from 'tap';
import { countCharacters, foldText } from '../../src/lib/text.js';

/** Code points, among them many of those that fold in surprising ways. */
const awkward = fc.constantFrom(
  ...Array.from('aAsSſßẞςσΣiIıİKkﬁŉǰΐᾳᾼＡ①½ℌ\u0345\u0307\u0301\u0323\u3099ｶﾞ가각@＠.\u00a8\ufdfa'),
);
const text = fc.string({
  unit: fc.oneof(awkward, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
  maxLength: 12,
});

t.test('folds idempotently', async () => {
  fc.assert(
    fc.property(text, (typed) => foldText(foldText(typed)) === foldText(typed)),
    { numRuns: 5000 },
  );
});

t.test('folds every case and normal form of a character alike', async (t) => {
  const unlike: string[] = [];
  for (let point = 0; point <= 0x10ffff; point += 1) {
    const character = String.fromCodePoint(point);
    const forms = [
      character.toUpperCase(),
      character.toLowerCase(),
      character.normalize('NFKD'),
      character.normalize('NFC'),
    ];
    const folded = foldText(character);
    if (forms.some((form) => foldText(form) !== folded) || foldText(folded) !== folded) unlike.push(point.toString(16));
  }
  t.same(unlike, []);
});

t.test('combines full case folding and compatibility normalisation', async (t) => {
  for (const spelling of ['STRASSE', 'straße', 'STRAẞE', 'ſtraſſe', 'ＳＴＲＡＳＳＥ', '𝐬𝐭𝐫𝐚𝐬𝐬𝐞', 'ⓢtrasse']) {
    t.equal(foldText(spelling), 'strasse', spelling);
  }
  t.equal(foldText('ΣΊΣΥΦΟΣ'), foldText('σίσυφος'));
  t.equal(foldText('ΟΔΟΣΑ'), `${foldText('ΟΔΟΣ')}α`, 'no final form: a word is found within another');
  t.not(foldText('résumé'), foldText('resume'), 'accents stay');
});

t.test('counts a supplementary character as one', async (t) => {
  t.equal(countCharacters('a😀é'), 3);
});
