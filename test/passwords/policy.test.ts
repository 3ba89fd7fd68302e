import fc from 'fast-check';
import t from 'tap';
import { createPasswordPolicy } from '../../src/passwords/policy.js';

const policy = createPasswordPolicy({ minLength: 8, blocklist: true });
const ADA = ['Ada.Lovelace@Analytical.example.com', 'countess', 'Augusta Ada King'];
const [tooShort, tooLong] = ['must be at least 8 characters', 'must be at most 256 characters'];
/** An unpredictable password of a length in code points. */
const ofLength = (length: number, seed = '🔑eλ7') =>
  Array.from({ length }, (_, index) => Array.from(seed)[((index * index + index) % 4) ^ (index % 3)] ?? 'q').join('');

t.test('accepts passphrases, spaces, every script and any mixture of characters', async (t) => {
  for (const password of [
    'correct horse battery staple',
    'vvqhzkpw',
    '83017465',
    'пароль мой длинный',
    '密码有八个字符长',
    'kT9#vv ~ /\\"\'',
    ' zq8wn1 ',
    'x'.repeat(7) + 'kÿ',
    '🦊🐙🎺🧲🪐🛶🧶🥨',
  ]) {
    t.same(policy.check(password, ADA), [], password);
  }
});

t.test('counts the length in code points, the minimum after normalisation', async (t) => {
  t.same(policy.check(ofLength(8), []), []);
  t.same(policy.check(ofLength(7), []), [tooShort]);
  t.same(policy.check('e\u0301u\u0308o\u0302n\u0303', []), [tooShort], 'four letters, eight as typed');
  t.same(policy.check('', []).slice(0, 1), [tooShort]);
  t.same(policy.check(ofLength(256), []), []);
  t.same(policy.check(ofLength(257), []), [tooLong]);
  t.same(policy.check('🔑'.repeat(257), []), [tooLong]);
  t.same(policy.check('x'.repeat(50_000_000), []), [tooLong]);
  t.same(createPasswordPolicy({ minLength: 12, blocklist: true }).check('vvqhzkpwtub', []), [
    'must be at least 12 characters',
  ]);
});

t.test('rejects characters that cannot be hashed or normalised stably', async (t) => {
  for (const character of ['\0', '\n', '\t', '\x7f', '\x85', '\ud800', '\udc00', '\u0378', '\uffff']) {
    t.match(policy.check(`vvqhzkpw${character}`, []), [/control characters/], JSON.stringify(character));
  }
});

t.test('normalises to NFC only', async (t) => {
  t.equal(policy.normalize('cafe\u0301'), 'caf\u00e9');
  for (const kept of ['  ﬁ ① Ａ \u00a0 ', 'ABC', 'a'.repeat(10_000)]) t.equal(policy.normalize(kept), kept);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (typed) => {
      const normal = policy.normalize(typed);
      return policy.normalize(normal) === normal && policy.normalize(typed.normalize('NFD')) === normal;
    }),
  );
});

t.test('rejects common passwords in any case and form, extended or repeated', async (t) => {
  for (const password of [
    'password',
    'PassWord',
    'ｐａｓｓｗｏｒｄ',
    'iloveyou',
    '1q2w3e4r',
    'password1',
    'Summer2024!',
    '!!dragon99',
    '2019football',
    'passwordpassword',
    'Qwerty1!',
    '1q2w3e4r!!',
    '12345678',
  ]) {
    t.match(policy.check(password, []), [/common password/], password);
  }
});

t.test('rejects repetitions and sequences', async (t) => {
  for (const password of [
    'aaaaaaaa',
    'abababababab',
    'xk3!xk3!xk3!',
    '😀'.repeat(9),
    'abcdefgh',
    'ZYXWVUTSR',
    '34567890'.slice(0, 7) + ':',
    '9876543210',
  ]) {
    t.match(policy.check(password, []), [/repetition/], password);
  }
  t.same(policy.check('vq7#mzk2vq7#mzk2', []), [], 'but not of something that is a password itself');
});

t.test('rejects a password made of own words', async (t) => {
  for (const password of [
    'Ada.Lovelace@Analytical.example.com',
    'ada.lovelace',
    'LOVELACE',
    'Lovelace-1815',
    '1815lovelace',
    'xX-countess-Xx',
    'ｃｏｕｎｔｅｓｓ1',
    'AugustaKing',
    'augusta ada king',
    'analytical!',
    'lovelaceCountess',
    'countess countess',
    'latchkey',
    'Latchkey2026!',
    'example.com1',
  ]) {
    t.match(policy.check(password, ADA), [/your names/], password);
  }
  t.match(policy.check('ab.c@d.io', ['ab.c@d.io']), [/your names/], 'a whole address of short parts');
  t.match(policy.check('lovelace12345', ['love', 'lovelace']), [/your names/], 'the longer word first');
  t.match(policy.check('countesspassword', ADA), [/common password/], 'an own word and a common one');
});

t.test('accepts own words next to a sufficient password', async (t) => {
  for (const password of [
    'lovelace met a difference engine',
    'countess-vq7#mzk2',
    'ada1ada2king',
    'kinglike-turnip',
    'dragon-84923175',
    'comcomcam-9',
  ]) {
    t.same(policy.check(password, ADA), [], password);
  }
  t.same(policy.check('vvqhzkpw', ['', ' ', 'a@b.c', '😀', '....']), [], 'short names do not matter');
});

t.test('treats names of the service as own words', async (t) => {
  const acme = createPasswordPolicy({
    minLength: 8,
    blocklist: true,
    serviceNames: ['latchkey', 'Acme Rockets', 'login.rocketry.example.com'],
  });
  for (const password of ['latchkey1', 'Rockets2026!', 'acme rockets 1', 'rocketry-2026', 'login.rocketry.example.com'])
    t.match(acme.check(password, []), [/this service/], password);
  t.same(acme.check('rocketry-zq8wn1vv', []), []);
});

t.test('finds words behind invisible characters', async (t) => {
  for (const password of [
    'pass\u200bword',
    '\u2060countess\ufeff',
    'co\u00adun\u200dtess',
    'latch\u180ekey',
    'q\u034fwertyuiop',
  ])
    t.equal(policy.check(password, ADA).length, 1, JSON.stringify(password));
  t.same(policy.check('countess', ['count\u200bess']).length, 1, 'nor in the name');
});

t.test('reports all errors together', async (t) => {
  const strict = createPasswordPolicy({ minLength: 15, blocklist: true });
  t.match(strict.check('password', ADA), ['must be at least 15 characters', /common password/]);
});

t.test('checks only the length if the blocklist is off', async (t) => {
  const lax = createPasswordPolicy({ minLength: 8, blocklist: false });
  for (const password of ['password', 'aaaaaaaa', 'countess', 'latchkey'])
    t.same(lax.check(password, ADA), [], password);
  t.same(lax.check('short', ADA), [tooShort]);
});

t.test('handles own words of any size and content', async (t) => {
  const endless = 'ab.cde@fghi.'.repeat(100_000);
  t.same(policy.check('vvqhzkpw', [endless, '\ud800\0$&*+?()[]{}|\\^'.repeat(1000)]), []);
  t.match(policy.check('(a+)+$[x', ['(a+)+$[x']), [/your names/], 'a name is no pattern');
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.string({ unit: 'binary', maxLength: 400 })),
      (password, names) => {
        policy.check(password, names);
      },
    ),
  );
});
