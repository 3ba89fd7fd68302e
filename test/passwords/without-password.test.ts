/** Accounts without a password: operations that require it answer as for a wrong one, and a reset sets one. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, REFRESH, tokenIn } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';

const app = await startTestApp(t);

/** A user whose password was removed, in the session of the registration. */
async function passwordless() {
  const user = await app.user();
  await app.db.executor.execute(sql`update users set password_hash = null where id = ${user.id}`);
  return user;
}

t.test('rejects a login like a wrong password and counts the failure', async (t) => {
  const user = await passwordless();
  const client = app.client();
  const attempt = (password: string) => client.send(LOGIN, { input: { identifier: user.username, password } });
  t.equal((await attempt(user.password)).code, 'INVALID_CREDENTIALS');
  t.equal((await attempt('')).code, 'INVALID_CREDENTIALS');
  for (let failures = 2; failures < 5; failures += 1) await attempt(user.password);
  t.equal((await attempt(user.password)).code, 'RATE_LIMIT_EXCEEDED');
});

t.test('rejects any current password in changePassword, deleteMe and updateMe', async (t) => {
  const user = await passwordless();
  const newPassword = 'another quiet brass telescope';
  const changed = await user.client.send(
    'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }',
    { input: { currentPassword: user.password, newPassword } },
  );
  t.equal(changed.code, 'INVALID_CREDENTIALS');
  const deleted = await user.client.send('mutation ($input: DeleteMeInput!) { deleteMe(input: $input) }', {
    input: { confirmation: 'DELETE_MY_ACCOUNT', password: user.password },
  });
  t.equal(deleted.code, 'INVALID_CREDENTIALS');
  const renamed = await user.client.send('mutation ($input: UpdateMeInput!) { updateMe(input: $input) { id } }', {
    input: { username: 'renamed', currentPassword: user.password },
  });
  t.equal(renamed.code, 'INVALID_CREDENTIALS');
  const { data } = await user.client.send('{ me { username } }');
  t.same(data!['me'], { username: user.username });
});

t.test('changes the username after a recent login', async (t) => {
  const user = await passwordless();
  const { data } = await user.client.send('mutation { updateMe(input: { username: "no-password" }) { username } }');
  t.same(data!['updateMe'], { username: 'no-password' });
});

const CHANGE = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }`;
const DELETE = 'mutation ($input: DeleteMeInput!) { deleteMe(input: $input) }';
const confirmation = 'DELETE_MY_ACCOUNT';
const newPassword = 'another quiet brass telescope';

t.test('sets a first password after a recent login, which ends the other sessions', async (t) => {
  const user = await passwordless();
  t.equal((await user.client.send(CHANGE, { input: { newPassword } })).code, undefined);
  const input = { identifier: user.username, password: newPassword };
  t.equal((await app.client().send(LOGIN, { input })).code, undefined);
});

t.test('deletes the account after a recent login', async (t) => {
  const user = await passwordless();
  t.equal((await user.client.send(DELETE, { input: { confirmation } })).data?.['deleteMe'], true);
  t.equal((await user.client.send('{ me { id } }')).code, 'USER_NOT_FOUND');
});

t.test('requires a newer login for both when it is no longer recent', async (t) => {
  const user = await passwordless();
  app.clock.advance(15 * 60_000);
  const { data } = await app.client().send(REFRESH, { refreshToken: user.refreshToken });
  const client = app.client({ token: data!['refresh'].accessToken as string });
  t.equal((await client.send(CHANGE, { input: { newPassword } })).code, 'STEP_UP_REQUIRED');
  t.equal((await client.send(DELETE, { input: { confirmation } })).code, 'STEP_UP_REQUIRED');
  t.equal((await client.send('{ me { id } }')).code, undefined);
});

t.test('requires the password of an account that has one, however recent the login', async (t) => {
  const user = await app.user();
  for (const [document, input, field] of [
    [CHANGE, { newPassword }, 'currentPassword'],
    [DELETE, { confirmation, password: null }, 'password'],
  ] as const)
    t.match(await user.client.send(document, { input }), {
      code: 'VALIDATION_ERROR',
      errors: [{ extensions: { details: [{ field, message: 'is required' }] } }],
    });
  t.equal((await user.client.send('{ me { id } }')).code, undefined);
});

t.test('sets a password with a mailed reset link', async (t) => {
  const user = await passwordless();
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const password = 'another quiet brass telescope';
  const reset = await app
    .client()
    .send('mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }', {
      input: { token: tokenIn(await app.mailTo(user.email)), password },
    });
  t.same(reset.errors, []);
  const { data } = await app.client().send(LOGIN, { input: { identifier: user.email, password } });
  t.match(claimsOf(data!['login'].accessToken), { sub: user.id, amr: ['pwd'], client_id: 'first-party' });
});
