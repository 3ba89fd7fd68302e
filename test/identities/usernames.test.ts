/** Usernames of accounts that a sign-in at a provider creates. */
import t from 'tap';
import { suggestUsername, withDigits } from '../../src/identities/usernames.js';
import { usernameError } from '../../src/users/identifiers.js';

const suggest = (username: string | null, displayName: string | null = null, email: string | null = null) =>
  suggestUsername({ username, displayName, email });

t.test('takes the first source that fits', async (t) => {
  t.equal(suggest('ada'), 'ada');
  t.equal(suggest(null, 'Ada Lovelace'), 'Ada-Lovelace');
  t.equal(suggest('a', 'Ада Лавлейс'), 'Ада-Лавлейс');
  t.equal(suggest('ad', null, 'ada.l+x@mail.test'), 'ada.l-x');
  t.equal(suggest(null), 'user');
  t.equal(suggest('x@y.test'), 'x-y.test', 'an address is never a username');
  t.equal(suggest('аda'), 'user', 'no mixed scripts');
});

t.test('is always valid', async (t) => {
  const sources = [
    '',
    '   ',
    '...',
    '@@@',
    'a'.repeat(1000),
    '\u0000\u0000',
    '😀😀😀',
    'A\u202eda',
    '-x-',
    '\ud800abc',
    'ﷺﷺ',
  ];
  const names = sources.flatMap((source) => [suggest(source), withDigits(suggest(source))]);
  t.same(
    names.filter((name) => usernameError(name) !== undefined),
    [],
  );
});
