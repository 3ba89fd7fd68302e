/** Remedies of an owner after an intrusion: none leaves a valid token to the thief. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, PASSWORD, registerAdmin, tokenIn, UPDATE_ME, type SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t);
const NEW_PASSWORD = 'a new and quiet telescope';
const VERIFY = 'mutation ($token: String!) { verifyEmail(token: $token) { email } }';
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }';
const CHANGE = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { user { pendingEmail } } }';
const reset = (token: string) => app.client().send(RESET, { input: { token, password: NEW_PASSWORD } });
const verify = (token: string) => app.client().send(VERIFY, { token });
const changePassword = (user: SeededUser) =>
  user.client.send(CHANGE, { input: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD } });

/** The token of the link that a thief had mailed to an address of theirs. */
async function thiefsLink(user: SeededUser): Promise<string> {
  const email = `thief-${user.username}@mail.test`;
  t.equal((await user.client.send(UPDATE_ME, { input: { email } })).code, undefined);
  return tokenIn(await app.mailTo(email));
}

async function resetLink({ email }: SeededUser): Promise<string> {
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email });
  return tokenIn(await app.mailTo(email));
}

t.test('changePassword cancels a pending address and invalidates its link', async (t) => {
  const user = await app.user();
  const token = await thiefsLink(user);
  t.match((await changePassword(user)).data?.['changePassword'], { user: { pendingEmail: null } });
  t.equal((await verify(token)).code, 'INVALID_TOKEN');
  const trail = await auditOf(app.db, user.id);
  t.ok(trail.some(({ type, detail }) => type === 'email.change_requested' && detail === 'taken back'));
});

t.test('changePassword invalidates reset links, and keeps the confirmation link of a new account', async (t) => {
  const user = await app.user();
  const link = tokenIn(await app.mailTo(user.email));
  const token = await resetLink(user);
  await changePassword(user);
  t.equal((await reset(token)).code, 'INVALID_TOKEN');
  t.equal((await verify(link)).code, undefined);
});

t.test('resetPassword cancels a pending address and invalidates its link', async (t) => {
  const user = await app.user();
  const token = await thiefsLink(user);
  t.equal((await reset(await resetLink(user))).code, undefined);
  t.equal((await verify(token)).code, 'INVALID_TOKEN');
  const { data } = await app.client().send(LOGIN, { input: { identifier: user.email, password: NEW_PASSWORD } });
  const me = await app.client({ token: data!['login'].accessToken }).send('{ me { pendingEmail } }');
  t.match(me.data, { me: { pendingEmail: null } });
});

t.test('invalidates links to the old address when the new one is confirmed', async (t) => {
  const user = await app.user();
  const old = await resetLink(user);
  t.equal((await verify(await thiefsLink(user))).code, undefined);
  const left = sql`select purpose from one_time_tokens where user_id = ${user.id}`;
  t.notMatch(JSON.stringify(await app.db.executor.execute(left)), /password_reset/);
  t.equal((await reset(old)).code, 'INVALID_TOKEN');
});

t.test('invalidates every link and cancels a pending address on deletion', async (t) => {
  const user = await app.user();
  const [change, old] = [await thiefsLink(user), await resetLink(user)];
  const admin = await registerAdmin(app);
  await admin.client.send('mutation ($id: ID!) { deleteUser(id: $id) }', { id: user.id });
  const restored = await admin.client.send('mutation ($id: ID!) { restoreUser(id: $id) { pendingEmail } }', {
    id: user.id,
  });
  t.same(restored.data?.['restoreUser'], { pendingEmail: null });
  t.equal((await verify(change)).code, 'INVALID_TOKEN');
  t.equal((await reset(old)).code, 'INVALID_TOKEN');
});

t.test('limits checks for taken names', async (t) => {
  const app = await startTestApp(t, { RATE_LIMIT_FIELDS: 'updateMe=3/15m,resetPassword=1/15m' });
  const [owner, user] = [await app.user(), await app.user()];
  const ask = () => user.client.send(UPDATE_ME, { input: { email: owner.email, avatarUrl: 'x' } });
  const codes = [(await ask()).code, (await ask()).code, (await ask()).code, (await ask()).code];
  t.same(codes, ['VALIDATION_ERROR', 'VALIDATION_ERROR', 'VALIDATION_ERROR', 'RATE_LIMIT_EXCEEDED']);
  const client = app.client();
  const input = { token: 'x'.repeat(43), password: NEW_PASSWORD };
  t.equal((await client.send(RESET, { input })).code, 'INVALID_TOKEN');
  t.equal((await client.send(RESET, { input })).code, 'RATE_LIMIT_EXCEEDED', 'nor mailed tokens be guessed');
});
