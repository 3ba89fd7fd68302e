import t from 'tap';
import { checkAvatarUrl, checkDisplayName, checkLanguage } from '../../src/accounts/input.js';

const refused = { fault: String };

t.test('a display name is kept in NFC without outer white space', async (t) => {
  t.same(checkDisplayName('  Zoe\u0308  '), { value: 'Zo\u00eb' });
  t.same(checkDisplayName('👩‍👩‍👧 family'), { value: '👩‍👩‍👧 family' });
});

t.test('a display name is 1 to 64 characters without controls, direction marks and half characters', async (t) => {
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

t.test('an avatar is an https address without credentials', async (t) => {
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

t.test('a language is a BCP 47 tag in canonical case', async (t) => {
  t.same(checkLanguage('zh-hant-tw'), { value: 'zh-Hant-TW' });
  for (const tag of ['', 'e', 'english language', 'en_US', 'x'.repeat(36)]) t.match(checkLanguage(tag), refused, tag);
});
