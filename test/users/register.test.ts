import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, REGISTER } from '../helpers/seed.js';

const app = await startTestApp(t);
const client = app.client();
const register = (input: object) => client.send(REGISTER, { input: { password: PASSWORD, ...input } });
const count = async () => JSON.stringify(await app.db.executor.execute(sql`select count(*)::int as n from users`));
const fieldsOf = (answer: Awaited<ReturnType<typeof register>>) =>
  answer.errors.flatMap((error) => error.extensions.details ?? []).map(({ field }) => field);

t.test('creates an account with a session, the scopes of a user and the cleaned input', async (t) => {
  const answer = await register({ email: ' Ada@Example.COM ', username: 'Ada.L', displayName: ' Ada Lovelace ' });
  t.same(answer.errors, []);
  t.match(answer.data?.['register'], {
    accessToken: /^[\w-]+\.[\w-]+\.[\w-]+$/,
    refreshToken: /^[\w-]{40,}$/,
    tokenType: 'Bearer',
    expiresIn: 900,
    scope: 'read:content read:profile write:profile read:history',
    user: {
      username: 'Ada.L',
      displayName: 'Ada Lovelace',
      avatarUrl: null,
      role: 'USER',
      isVerified: false,
      isPremium: false,
      preferences: { theme: 'SYSTEM', notifications: true, language: 'en' },
      createdAt: new Date(app.clock.now()).toISOString(),
    },
  });
});

t.test('reports all errors together, including taken names, and stores nothing', async (t) => {
  await register({ email: 'taken@mail.test', username: 'taken' });
  const before = await count();
  const answer = await register({
    email: 'TAKEN@mail.test',
    username: 'TaKeN',
    password: 'short',
    passwordConfirmation: 'other',
    displayName: 'a'.repeat(65),
  });
  t.equal(answer.code, 'VALIDATION_ERROR');
  t.equal(answer.status, 400);
  t.same([...new Set(fieldsOf(answer))].sort(), [
    'displayName',
    'email',
    'password',
    'passwordConfirmation',
    'username',
  ]);
  t.same(await count(), before);
});

t.test('rejects names that differ only in case or Unicode form', async (t) => {
  await register({ email: 'strasse@mail.test', username: 'kelvin' });
  for (const username of ['KELVIN', '\u212Aelvin', '\uFF4Belvin']) {
    t.same(fieldsOf(await register({ email: 'other@mail.test', username })), ['username'], username);
  }
  t.same(fieldsOf(await register({ email: 'STRASSE@MAIL.TEST', username: 'somebody' })), ['email']);
});

t.test('lets one of several concurrent registrations of a username win', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => register({ email: `race${index}@mail.test`, username: 'racer' })),
  );
  t.equal(answers.filter((answer) => answer.data?.['register']).length, 1);
  const losers = answers.filter((answer) => answer.code !== undefined);
  t.same(new Set(losers.flatMap(fieldsOf)), new Set(['username']));
  t.equal(losers.length, 7);
});

t.test('lets one of several concurrent registrations of an address win', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => register({ email: 'race@mail.test', username: `sprinter${index}` })),
  );
  t.equal(answers.filter((answer) => answer.data?.['register']).length, 1);
  t.same(new Set(answers.flatMap(fieldsOf)), new Set(['email']));
});

t.test('does not truncate passwords', async (t) => {
  const password = `${'long enough to be cut by others '.repeat(4)}x`;
  await register({ email: 'whole@mail.test', username: 'whole', password });
  const login = (attempt: string) => client.send(LOGIN, { input: { identifier: 'whole', password: attempt } });
  t.equal((await login(`${password.slice(0, -1)}y`)).code, 'INVALID_CREDENTIALS');
  t.equal((await login(password)).code, undefined);
});

t.test('treats null like an omitted field', async (t) => {
  const answer = await register({
    email: 'nulls@mail.test',
    username: 'nulls',
    displayName: null,
    passwordConfirmation: null,
    rememberMe: null,
    transport: null,
  });
  t.same(answer.errors, []);
});

t.test('logs no secret of a registration', async (t) => {
  t.notOk(JSON.stringify(app.logs).includes(PASSWORD));
});
