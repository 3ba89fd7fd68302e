import t from 'tap';
import { checkAvatarUrl, checkDisplayName, checkLanguage } from '../../src/users/input.js';

const refused = { error: String };

t.test('stores a display name in NFC without surrounding white space', async (t) => {
  t.same(checkDisplayName('  Zoe\u0308  '), { value: 'Zo\u00eb' });
  t.same(checkDisplayName('Ada\u3000 \u00a0 Lovelace'), { value: 'Ada Lovelace' });
});

t.test('rejects display names that are empty, too long or contain control characters', async (t) => {
  t.same(checkDisplayName('😀'.repeat(64)), { value: '😀'.repeat(64) });
  for (const name of [
    '',
    '   ',
    'a'.repeat(65),
    '😀'.repeat(65),
    'a'.repeat(1_000_000),
    'a\u0000b',
    'a\nb',
    'x\u202Egpj',
    '\uD800',
  ]) {
    t.match(checkDisplayName(name), refused, JSON.stringify(name.slice(0, 10)));
  }
});

t.test('accepts display names in any script, with emoji', async (t) => {
  const names = [
    '👩\u200d👩\u200d👧 family',
    '👩🏽\u200d🚀',
    '❤\ufe0f\u200d🔥',
    '🇩🇪 1\ufe0f\u20e3',
    'علی\u200cرضا',
    'क\u094d\u200dष',
    'Nguyễn Văn Ầ',
    '山田太郎',
    "O'Brien-Müller, Jr. ♛",
  ];
  for (const name of names) t.same(checkDisplayName(name), { value: name.normalize('NFC') }, name);
});

t.test('rejects display names with invisible or direction-changing characters', async (t) => {
  const hidden = ['200b', '200c', '200d', '2060', 'feff', 'ad', '34f', '61c', '200e', '200f', '115f', '3164', 'ffa0'];
  const turning = ['202a', '202e', '202c', '2066', '2069', '206a'];
  const others = ['0', '85', '2028', 'fe0f', 'e0061', '2800', 'e000', 'ffff', '378', 'd800'];
  for (const code of [...hidden, ...turning, ...others]) {
    const name = `ad${String.fromCodePoint(parseInt(code, 16))}min`;
    t.match(checkDisplayName(name), { error: /invisible characters/ }, code);
  }
  t.match(checkDisplayName(`Z${'\u0351'.repeat(6)}algo`), { error: String }, 'marks that climb over the lines around');
});

t.test('accepts only https avatar URLs without credentials', async (t) => {
  t.same(checkAvatarUrl('HTTPS://Img.Example.com/ä.png'), { value: 'https://img.example.com/%C3%A4.png' });
  for (const url of [
    '',
    'http://a.test/',
    'javascript:alert(1)',
    'data:image/png,',
    '//a.test',
    'https://u:p@a.test/',
    'https://u@a.test/',
    `https://a.test/${'a'.repeat(2048)}`,
    `https://a.test/${'ä'.repeat(700)}`,
  ]) {
    t.match(checkAvatarUrl(url), refused, url.slice(0, 30));
  }
});

t.test('accepts BCP 47 tags and stores them in canonical case', async (t) => {
  t.same(checkLanguage('zh-hant-tw'), { value: 'zh-Hant-TW' });
  for (const tag of ['', 'e', 'english language', 'en_US', 'x'.repeat(36)]) t.match(checkLanguage(tag), refused, tag);
});
