import fc from 'fast-check';
import t from 'tap';
import {
  cleanEmail,
  cleanUsername,
  emailError,
  emailKey,
  identifierKey,
  usernameError,
  usernameKey,
} from '../../src/users/identifiers.js';

const awkward = fc.constantFrom(
  ...Array.from(
    'aAsSſßẞςσΣiIıİKﬁŉΐᾳᾼＡ①½\u0345\u0307\u0301\u3099ｶﾞ@＠﹫.．。｡-_ \u00a8\u00ad\u200d\u3164\ufdfa℀\0/:%#?[]',
  ),
);
const unit = fc.oneof(
  awkward,
  fc.constantFrom(...Array.from('abcxyz019')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);
const anyText = fc.oneof(fc.string({ unit, maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 600 }));
/** Letters that fold in surprising ways, but letters: most of these are accepted. */
const letters = fc.string({
  unit: fc.constantFrom(...Array.from('aAsSſßẞςσΣiIıİKﬁŉΐᾳᾼＡ①\u0345\u0307\u0301ｶé가x0')),
  minLength: 3,
  maxLength: 20,
});
const anyEmail = fc.oneof(
  anyText,
  fc.tuple(anyText, anyText).map(([local, domain]) => `${local}@${domain}.example`),
  fc.tuple(letters, letters).map(([local, domain]) => `${local}@d${domain}.example`),
  fc.emailAddress(),
);
const storable = (text: string) => !/[\0\p{Cs}]/u.test(text);

t.test('accepts real-world addresses', async (t) => {
  for (const email of [
    'a@b.co',
    'Ada.Lovelace+tag@Mail.Example.com',
    "o'brien_1@x-y.org",
    '用户@例子.公司',
    'jörg@müller.de',
    'δοκιμή@παράδειγμα.ελ',
    'x@xn--mller-kva.de',
    ' ada@example.com ',
    `${'l'.repeat(64)}@${'d'.repeat(63)}.com`,
    'a@1.2.3.com',
    'ada@例え。テスト',
  ]) {
    t.equal(emailError(email), undefined, email);
  }
});

t.test('rejects invalid and deceptive addresses', async (t) => {
  const malformed = [
    '',
    '@',
    'ada',
    'ada@',
    '@example.com',
    'ada@localhost',
    'ada@example',
    'a@b@example.com',
    'a..b@example.com',
    '.a@example.com',
    'a.@example.com',
    '"a b"@example.com',
    'a b@example.com',
    'a@exa mple.com',
    'a@b_c.com',
    'a@-b.com',
    'a@b-.com',
    'a@b..com',
    'a@.com',
    'a@b.com.',
    'a@b.c',
    'a@127.0.0.1',
    'a@[127.0.0.1]',
    'a@b.0x7f',
    'a@1.2',
    'a@b.com/c',
    'a@ä.com/c',
    'a@ä.com:80',
    'a@b%2ecom',
    'a,b@example.com',
    '<a@example.com>',
    'a@b.com,c@d.com',
    'a@b.com\r\nBcc: c@d.com',
  ];
  const deceptive = [
    'ada＠example.com',
    'a＠b@example.com',
    'a﹫b@example.com',
    'a…b@example.com',
    'a\u00adda@example.com',
    'a\u200bda@example.com',
    'a\u202eda@example.com',
    'a\u3164da@example.com',
    '℀@example.com',
    'a@ex\u00adample.com',
    '\ufdfa@example.com',
    '¨a@example.com',
    'a\0@example.com',
    'a\ud800@example.com',
    'a@\udc00.com',
    'a\u0378@example.com',
  ];
  for (const email of [...malformed, ...deceptive]) t.match(emailError(email), /email address/, JSON.stringify(email));
});

t.test('limits an address to 254 bytes and its local part to 64, as entered and as key', async (t) => {
  const domain = (length: number) =>
    `${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(length - 187)}.com`;
  t.equal(emailError(`${'l'.repeat(14)}@${domain(239)}`), undefined, '254');
  t.ok(emailError(`${'l'.repeat(15)}@${domain(239)}`), '255');
  t.ok(emailError(`${'l'.repeat(65)}@example.com`));
  t.equal(emailError(`${'é'.repeat(32)}@example.com`), undefined);
  t.ok(emailError(`${'é'.repeat(33)}@example.com`));
  t.ok(emailError(`${'㎯'.repeat(20)}@example.com`), 'compatibility lengthens it');
  t.ok(emailError(`a@${'ä.'.repeat(80)}com`), 'IDNA lengthens it');
  t.ok(emailError(`a@${'d'.repeat(64)}.com`));
});

t.test('stores an address as entered with a normalised domain', async (t) => {
  t.equal(cleanEmail(' Zoe\u0308①@Ｅxample.com '), 'Zo\u00eb①@Example.com');
});

t.test('maps all spellings of a mailbox to one key', async (t) => {
  for (const [one, other] of [
    ['Ada@Example.COM', ' ada@example.com '],
    ['JÖRG@MÜLLER.DE', 'jo\u0308rg@xn--mller-kva.de'],
    ['ａｄａ@ｅxample.com', 'ada@example.com'],
    ['straße@example.com', 'STRASSE@example.com'],
    ['a@例え。テスト', 'a@例え.テスト'],
  ] as const) {
    t.equal(emailError(one), undefined, one);
    t.equal(emailKey(one), emailKey(other), one);
  }
  t.not(emailKey('a@straße.de'), emailKey('a@strasse.de'), 'these are two domains');
  t.equal(emailKey('a@STRAẞE.de'), emailKey('a@straße.de'));
});

t.test('accepts usernames in every script', async (t) => {
  for (const name of [
    'ada',
    'Ada_Lovelace-1.0',
    '7of9',
    'Жанна',
    '山田太郎',
    'नमस्ते',
    'e\u0301a\u0301o',
    ' ada ',
    'ﬁn',
    'a'.repeat(32),
    '𠮷'.repeat(32),
  ]) {
    t.equal(usernameError(name), undefined, name);
  }
});

t.test('rejects usernames that are too short, too long or deceptive', async (t) => {
  for (const name of [
    '',
    'ab',
    'a'.repeat(33),
    '𠮷'.repeat(33),
    'e\u0301a',
    'ﬃ'.repeat(11),
    'a'.repeat(10_000_000),
    '  ab  ',
    '\ufdfa\ufdfa',
  ]) {
    t.equal(usernameError(name), 'must be 3 to 32 characters', JSON.stringify(name.slice(0, 20)));
  }
  for (const name of [
    '.ada',
    '-ada',
    '_ada',
    'a da',
    'ada@b',
    'ada＠b',
    'ada!',
    'a\tda',
    'ad\0a',
    'ad\ud800',
    'ad\u200da',
    'ad\u00ada',
    'ad\u202ea',
    'ad\u034fa',
    'ad\ufe0fa',
    'ad\u3164',
    '\u3164\u3164\u3164',
    '\u0301ada',
    '\ufdfa',
    '😀😀😀',
    'a/b',
    '¼½¾',
  ]) {
    t.match(usernameError(name), /may contain letters/, JSON.stringify(name));
  }
});

t.test('rejects usernames that mix confusable scripts', async (t) => {
  for (const name of ['\u0430dmin', 'adm\u0456n', 'r\u03bfot', '\u0391dmin', '\u0430\u03bf\u0440', '\u00b5Torrent'])
    t.match(usernameError(name), /look alike/, name);
  for (const name of ['админ', 'αβγ_1', 'ada山田', 'Ω-2026']) t.equal(usernameError(name), undefined, name);
});

t.test('maps all spellings of a username to one key and keeps its case', async (t) => {
  t.equal(cleanUsername(' Ａda① '), 'Ada1');
  for (const spelling of ['ADA1', 'ada1', '𝒜𝒹𝒶1', ' ada①', 'ⓐda1']) t.equal(usernameKey(spelling), 'ada1', spelling);
  t.equal(usernameKey('GROẞ'), usernameKey('gross'));
});

t.test('treats an identifier with an @ as an address and any other as a username', async (t) => {
  t.same(identifierKey(' ADA@Example.com'), { kind: 'email', key: 'ada@example.com' });
  t.same(identifierKey('ada＠example.com'), { kind: 'email', key: 'ada@example.com' });
  t.same(identifierKey('ADA '), { kind: 'username', key: 'ada' });
});

t.test('finds no account for an invalid identifier', async (t) => {
  for (const identifier of [
    '',
    'ad\0a',
    'ad\ud800a',
    'a@b.com\0',
    'a'.repeat(513),
    `${'a'.repeat(30_000)}@example.com`,
  ]) {
    t.same(identifierKey(identifier), { kind: 'username', key: '' }, JSON.stringify(identifier.slice(0, 20)));
  }
});

t.test('computes keys idempotently', async () => {
  fc.assert(
    fc.property(anyEmail, (email) => emailKey(emailKey(email)) === emailKey(email)),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.oneof(anyText, letters), (name) => usernameKey(usernameKey(name)) === usernameKey(name)),
    { numRuns: 3000 },
  );
});

t.test('stores accepted identifiers so that login finds them', async () => {
  fc.assert(
    fc.property(anyEmail, (email) => {
      if (emailError(email) !== undefined) return true;
      const [clean, key] = [cleanEmail(email), emailKey(email)];
      const found = identifierKey(email);
      return (
        emailKey(clean) === key &&
        found.kind === 'email' &&
        found.key === key &&
        emailError(clean) === undefined &&
        emailError(key) === undefined &&
        storable(clean) &&
        key.split('@').length === 2 &&
        Buffer.byteLength(key) <= 254
      );
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.oneof(anyText, letters), (name) => {
      if (usernameError(name) !== undefined) return true;
      const [clean, key] = [cleanUsername(name), usernameKey(name)];
      const found = identifierKey(name);
      return (
        usernameKey(clean) === key &&
        found.kind === 'username' &&
        found.key === key &&
        storable(clean) &&
        usernameError(clean) === undefined &&
        !key.includes('@') &&
        Array.from(key).length <= 96
      );
    }),
    { numRuns: 3000 },
  );
});

t.test('maps any login input to a key that Postgres accepts', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        anyEmail,
        fc.string({ unit: 'binary' }).map((text) => `${text}\ud83d`),
      ),
      (typed) => storable(identifierKey(typed).key),
    ),
    { numRuns: 3000 },
  );
});
