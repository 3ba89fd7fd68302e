import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, ME, PASSWORD, REFRESH, type SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t);
const CHANGE = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) {
  accessToken refreshToken user { id } } }`;
const NEW = 'a brand new brass telescope';
const change = (user: SeededUser, input: object = {}) =>
  user.client.send(CHANGE, { input: { currentPassword: PASSWORD, newPassword: NEW, ...input } });
const login = (identifier: string, password: string) => app.client().send(LOGIN, { input: { identifier, password } });
const refresh = (refreshToken: unknown) => app.client().send(REFRESH, { refreshToken });

t.test('replaces the password and notifies the owner', async (t) => {
  const user = await app.user();
  const answer = await change(user, { newPasswordConfirmation: NEW });
  t.equal(answer.data?.['changePassword'].user.id, user.id);
  t.equal((await login(user.username, NEW)).code, undefined);
  t.equal((await login(user.username, PASSWORD)).code, 'INVALID_CREDENTIALS');
  t.match((await app.mailTo(user.email)).at(-1)?.subject, /password/i);
  t.ok((await auditOf(app.db, user.id)).some(({ type }) => type === 'password.changed'));
});

t.test('limits an account to twenty changes an hour', async (t) => {
  const user = await app.user();
  let token = user.accessToken;
  const changeTo = async (currentPassword: string, newPassword: string) => {
    const answer = await app.client({ token }).send(CHANGE, { input: { currentPassword, newPassword } });
    token = (answer.data?.['changePassword'].accessToken as string | undefined) ?? token;
    return answer;
  };
  for (let time = 0; time < 10; time += 1) {
    t.equal((await changeTo(PASSWORD, NEW)).code, undefined);
    t.equal((await changeTo(NEW, PASSWORD)).code, undefined);
  }
  t.match(await changeTo(PASSWORD, NEW), { code: 'RATE_LIMIT_EXCEEDED', status: 429 });
  t.equal((await login(user.username, PASSWORD)).code, undefined, 'and nothing changed');
  t.equal((await change(await app.user())).code, undefined, 'another account');
});

t.test('ends all other sessions and renews the own one', async (t) => {
  const user = await app.user();
  const other = (await login(user.username, PASSWORD)).data!['login'] as { accessToken: string; refreshToken: string };
  const { accessToken, refreshToken } = (await change(user)).data!['changePassword'];
  t.equal((await app.client({ token: other.accessToken }).send(ME)).code, 'INVALID_TOKEN');
  t.equal((await refresh(other.refreshToken)).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await app.client({ token: accessToken }).send(ME)).code, undefined);
  t.equal((await refresh(refreshToken)).code, undefined);
});

t.test('treats an earlier refresh token as reused, even within the grace time', async (t) => {
  const user = await app.user();
  const { refreshToken } = (await change(user)).data!['changePassword'];
  t.equal((await refresh(user.refreshToken)).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await refresh(refreshToken)).code, 'INVALID_REFRESH_TOKEN', 'the session ended for it');
});

t.test('rejects earlier access tokens from the next request on', async (t) => {
  const user = await app.user();
  const second = (await refresh(user.refreshToken)).data!['refresh'];
  const changed = await app
    .client({ token: second.accessToken })
    .send(CHANGE, { input: { currentPassword: PASSWORD, newPassword: NEW } });
  for (const stolen of [user.accessToken, second.accessToken]) {
    const answer = await app.client({ token: stolen }).send(ME);
    t.same([answer.code, answer.status, answer.data], ['TOKEN_EXPIRED', 401, null]);
  }
  const { accessToken, refreshToken } = changed.data!['changePassword'];
  t.equal((await app.client({ token: accessToken }).send(ME)).code, undefined, 'one of the same second works');
  const next = (await refresh(refreshToken)).data!['refresh'];
  t.equal(
    (await app.client({ token: next.accessToken }).send(ME)).code,
    undefined,
    'and so do those of later refreshes',
  );
});

t.test('keeps the access token valid after a rejected change', async (t) => {
  const user = await app.user();
  t.equal((await change(user, { currentPassword: 'wrong wrong wrong' })).code, 'INVALID_CREDENTIALS');
  t.equal((await user.client.send(ME)).code, undefined);
});

t.test('rejects a mutation after the change in the same document', async (t) => {
  const user = await app.user();
  const answer = await user.client.send(
    `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { tokenType }
      requestEmailVerification }`,
    { input: { currentPassword: PASSWORD, newPassword: NEW } },
  );
  t.equal(answer.code, 'TOKEN_EXPIRED');
});

t.test('states in the email that earlier access has ended', async (t) => {
  const user = await app.user();
  await change(user);
  t.match((await app.mailTo(user.email)).at(-1)?.text.replace(/\s+/g, ' '), /Every other device was signed out/);
});

t.test('rejects a wrong password and counts a failure', async (t) => {
  const user = await app.user();
  for (let time = 0; time < 5; time += 1)
    t.equal((await change(user, { currentPassword: 'wrong wrong wrong' })).code, 'INVALID_CREDENTIALS');
  t.equal((await change(user)).code, 'RATE_LIMIT_EXCEEDED', 'the same gate as for login');
  t.equal((await login(user.username, PASSWORD)).code, undefined, 'and elsewhere nobody is locked out');
});

t.test('reports all errors of the new password before it verifies the current one', async (t) => {
  const user = await app.user();
  const answer = await change(user, { newPassword: 'short', newPasswordConfirmation: 'other' });
  const fields = new Set(answer.errors[0]?.extensions.details?.map(({ field }) => field));
  t.same(fields, new Set(['newPassword', 'newPasswordConfirmation']));
  t.equal((await change(user, { newPassword: user.email })).code, 'VALIDATION_ERROR', 'own words are refused');
  t.equal((await login(user.username, PASSWORD)).code, undefined);
});

t.test('applies one of several concurrent changes', async (t) => {
  const user = await app.user();
  const passwords = Array.from({ length: 4 }, (_, n) => `${NEW} ${n}`);
  const answers = await Promise.all(passwords.map((newPassword) => change(user, { newPassword })));
  const won = answers.findIndex(({ code }) => code === undefined);
  t.equal(answers.filter(({ code }) => code === undefined).length, 1);
  t.equal((await login(user.username, passwords[won]!)).code, undefined);
});
