/** Changes of email addresses and usernames: the authentication that they require, and the mailed link that cancels them. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { createOneTimeTokens } from '../../src/one-time-tokens/service.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import {
  LOGIN,
  ME,
  PASSWORD,
  registerAdmin,
  setAccount,
  tokenIn,
  UPDATE_ME,
  type SeededUser,
} from '../helpers/seed.js';

const app = await startTestApp(t);
const MINUTE = 60_000;
const DAY = 86_400_000;
const NEW_PASSWORD = 'a new and quiet telescope';
const WRONG = 'wrong horse battery staple';
const VERIFY = 'mutation ($token: String!) { verifyEmail(token: $token) { email } }';
const CANCEL = 'mutation ($token: String!) { cancelEmailChange(token: $token) }';
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }';
const CHANGE_PASSWORD = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
const update = (user: SeededUser, input: object) => user.client.send(UPDATE_ME, { input });
const verify = (token: string) => app.client().send(VERIFY, { token });
const cancel = (token: string) => app.client().send(CANCEL, { token });
const login = (identifier: string, password = PASSWORD) =>
  app.client().send(LOGIN, { input: { identifier, password } });
const rowOf = async ({ id }: SeededUser) => {
  const rows = await app.db.executor.execute(sql`select email, username, pending_email from users where id = ${id}`);
  return (Array.isArray(rows) ? rows : (rows as { rows: unknown[] }).rows)[0] as Record<string, unknown>;
};

/** The token of the newest cancellation link that was mailed to an address. */
async function cancelLink(address: string): Promise<string> {
  return tokenIn((await app.mailTo(address)).filter(({ text }) => text.includes('cancel-email-change')));
}

/** Changes the address of an account with a stolen session: requests another one and confirms it. */
async function takeOver(user: SeededUser, address = `thief-${user.username}@mail.test`): Promise<string> {
  t.equal((await update(user, { email: address })).code, undefined);
  t.equal((await verify(tokenIn(await app.mailTo(address)))).code, undefined);
  return address;
}

t.test('requires a login within 15 minutes to change email address or username', async (t) => {
  const user = await app.user();
  app.clock.advance(14 * MINUTE);
  t.equal((await update(user, { username: `${user.username}-1` })).code, undefined, 'within 15 minutes');
  app.clock.advance(MINUTE - 1000);
  const { accessToken } = (
    await user.client.send('mutation ($t: String!) { refresh(refreshToken: $t) { accessToken } }', {
      t: user.refreshToken,
    })
  ).data!['refresh'];
  const later = { ...user, client: user.client.with({ token: accessToken }) };
  app.clock.advance(1000);
  for (const input of [
    { email: 'new@mail.test' },
    { username: 'newname' },
    { email: 'new@mail.test', displayName: 'x' },
  ]) {
    const refused = await update(later, input);
    t.match(refused, { code: 'STEP_UP_REQUIRED', status: 403 }, 'a refresh is no login');
    t.same(refused.errors[0]?.extensions.methods, ['PASSWORD']);
  }
  t.match(await rowOf(user), { email: user.email, pending_email: null });
  t.equal((await update(later, { displayName: 'Grace' })).code, undefined);
  t.equal(
    (await update(later, { email: user.email })).code,
    undefined,
    'withdrawing a change requires no recent login',
  );
  t.equal((await update(later, { email: 'nonsense' })).code, 'VALIDATION_ERROR');
});

t.test('accepts currentPassword instead, and counts a wrong one as a failed login', async (t) => {
  const user = await app.user();
  app.clock.advance(14 * MINUTE);
  const withPassword = (currentPassword: string) => update(user, { email: 'proven@mail.test', currentPassword });
  for (let time = 0; time < 5; time += 1) t.equal((await withPassword(WRONG)).code, 'INVALID_CREDENTIALS');
  t.equal((await withPassword(PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
  t.match(await rowOf(user), { pending_email: null });
  app.clock.advance(MINUTE / 2);
  t.equal((await withPassword(PASSWORD)).code, undefined);
  t.match(await rowOf(user), { pending_email: 'proven@mail.test' });
});

t.test('does not count a right password with invalid input as a failure', async (t) => {
  const user = await app.user();
  for (let time = 0; time < 6; time += 1) {
    const refused = await update(user, { email: 'x@mail.test', username: 'a b', currentPassword: PASSWORD });
    t.equal(refused.code, 'VALIDATION_ERROR');
  }
  t.equal((await update(user, { email: 'right@mail.test', currentPassword: PASSWORD })).code, undefined);
});

t.test('cancels a pending change and ends all sessions', async (t) => {
  const user = await app.user();
  await login(user.username);
  await update(user, { email: 'waits@mail.test' });
  const confirm = tokenIn(await app.mailTo('waits@mail.test'));
  t.equal((await cancel(await cancelLink(user.email))).data?.['cancelEmailChange'], true);
  t.match(await rowOf(user), { email: user.email, pending_email: null });
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await verify(confirm)).code, 'INVALID_TOKEN');
  t.equal((await login(user.email)).code, undefined, 'the password still works');
  t.match(await auditOf(app.db, user.id), [{}, { type: 'email.change_cancelled', actorId: null }]);
});

t.test('restores the address after a confirmed change, ends all sessions and voids reset links', async (t) => {
  const user = await app.user();
  await update(user, { email: `thief-${user.username}@mail.test` });
  const early = await cancelLink(user.email);
  const address = `thief-${user.username}@mail.test`;
  t.equal((await verify(tokenIn(await app.mailTo(address)))).code, undefined);
  const late = await cancelLink(user.email);
  t.not(early, late, 'both mails have a link');
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: address });
  const reset = tokenIn(await app.mailTo(address));
  app.clock.advance(6 * DAY + 23 * 3_600_000);
  t.equal((await cancel(early)).code, undefined);
  t.match(await rowOf(user), { email: user.email, pending_email: null });
  t.equal((await user.client.send(ME)).code, 'TOKEN_EXPIRED');
  t.equal((await login(address)).code, 'INVALID_CREDENTIALS');
  t.equal((await login(user.email)).code, undefined);
  t.equal((await app.client().send(RESET, { input: { token: reset, password: NEW_PASSWORD } })).code, 'INVALID_TOKEN');
  t.match((await app.mailTo(user.email)).at(-1)!.subject, /cancelled/);
});

t.test('voids reset links that were mailed to the cancelled address', async (t) => {
  const user = await app.user();
  const address = await takeOver(user);
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: address });
  const reset = tokenIn(await app.mailTo(address));
  await cancel(await cancelLink(user.email));
  t.equal((await app.client().send(RESET, { input: { token: reset, password: NEW_PASSWORD } })).code, 'INVALID_TOKEN');
});

t.test(
  'invalidates a password that was reset through the new address, and mails a reset link to the restored one',
  async (t) => {
    const user = await app.user();
    const address = await takeOver(user);
    await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: address });
    const reset = tokenIn(await app.mailTo(address));
    t.equal((await app.client().send(RESET, { input: { token: reset, password: NEW_PASSWORD } })).code, undefined);
    t.equal((await cancel(await cancelLink(user.email))).code, undefined);
    t.equal((await login(user.email, NEW_PASSWORD)).code, 'INVALID_CREDENTIALS');
    const mail = (await app.mailTo(user.email)).slice(-1);
    t.match(mail[0]!.text, 'reset-password?token=');
    const own = 'another brass telescope';
    t.equal((await app.client().send(RESET, { input: { token: tokenIn(mail), password: own } })).code, undefined);
    t.equal((await login(user.email, own)).code, undefined);
  },
);

t.test('invalidates a password that was changed after the change of address', async (t) => {
  const user = await app.user();
  await takeOver(user);
  const input = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  t.equal((await user.client.send(CHANGE_PASSWORD, { input })).code, undefined);
  await cancel(await cancelLink(user.email));
  t.equal((await login(user.email, NEW_PASSWORD)).code, 'INVALID_CREDENTIALS');
});

t.test('keeps a password that was changed while the new address was pending', async (t) => {
  const user = await app.user();
  await update(user, { email: 'never@mail.test' });
  const input = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  t.equal((await user.client.send(CHANGE_PASSWORD, { input })).code, undefined);
  await cancel(await cancelLink(user.email));
  t.equal((await login(user.email, NEW_PASSWORD)).code, undefined);
  t.notMatch((await app.mailTo(user.email)).at(-1)!.text, 'token=');
});

t.test('cancels every later change too, so that later links restore nothing', async (t) => {
  const user = await app.user();
  const first = await takeOver(user);
  app.clock.advance(MINUTE);
  const early = await cancelLink(user.email);
  await takeOver(user, `second-${user.username}@mail.test`);
  t.equal((await update(user, { username: `x-${user.username}` })).code, undefined);
  const late = await cancelLink(first);
  await update(user, { email: 'third@mail.test' });
  t.equal((await cancel(early)).code, undefined);
  t.match(await rowOf(user), { email: user.email, username: user.username, pending_email: null });
  t.equal((await cancel(late)).data?.['cancelEmailChange'], true);
  t.match(await rowOf(user), { email: user.email });
  t.equal((await login(user.username)).code, undefined);
});

t.test('answers a second use of the link in the same way without effect', async (t) => {
  const user = await app.user();
  await takeOver(user);
  const token = await cancelLink(user.email);
  const answers = await Promise.all(Array.from({ length: 5 }, () => cancel(token)));
  t.same(new Set(answers.map(({ data }) => data?.['cancelEmailChange'])), new Set([true]));
  const { data } = await login(user.email);
  await cancel(token);
  t.equal(
    (await app.client({ token: data!['login'].accessToken }).send(ME)).code,
    undefined,
    'later sessions stay live',
  );
  const cancelled = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'email.change_cancelled');
  t.equal(cancelled.length, 1);
});

t.test('accepts the link for seven days, and no modified one', async (t) => {
  const user = await app.user();
  await takeOver(user);
  const token = await cancelLink(user.email);
  const forged = token.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));
  for (const bad of [forged, 'x'.repeat(64), 'x'.repeat(43), '', `${token}=`])
    t.equal((await cancel(bad)).code, 'INVALID_TOKEN');
  app.clock.advance(7 * DAY);
  t.equal((await cancel(token)).code, 'INVALID_TOKEN');
  await app.runJob('clean up identifier changes');
  const left = await app.db.executor.execute(sql`select id from identifier_changes where user_id = ${user.id}`);
  t.equal((Array.isArray(left) ? left : (left as { rows: unknown[] }).rows).length, 0);
});

t.test('mails a link that cancels a change of username and ends all sessions', async (t) => {
  const user = await app.user();
  t.equal((await update(user, { username: `other-${user.username}` })).code, undefined);
  // The order of mails that are due together is undefined.
  const mail = (await app.mailTo(user.email)).find(({ subject }) => /username .* was changed/.test(subject))!;
  t.notMatch(mail.text, `other-${user.username}`, 'no text that a user chose');
  t.equal((await cancel(tokenIn([mail]))).code, undefined);
  t.match(await rowOf(user), { username: user.username });
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await login(user.username)).code, undefined);
  t.match((await auditOf(app.db, user.id)).map(({ type }) => type).includes('username.change_cancelled'), true);
});

t.test('reserves former names for the account for seven days', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  await takeOver(user);
  await update(user, { username: `left-${user.username}` });
  const register = (names: Record<string, unknown>) => app.user(names);
  await t.rejects(register({ email: user.email.toUpperCase() }), /is taken/);
  await t.rejects(register({ username: user.username.toUpperCase() }), /is taken/);
  t.match((await update(other, { username: user.username })).errors[0]?.extensions.details, [{ field: 'username' }]);
  t.match((await update(other, { email: user.email })).errors[0]?.extensions.details, [{ field: 'email' }]);
  t.equal((await update(user, { username: user.username })).code, undefined, 'the account takes its name back');
  app.clock.advance(7 * DAY);
  const late = await app.user({ email: user.email });
  t.equal(late.email, user.email);
});

t.test('rejects the confirmation of an address that was reserved after the request', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  await takeOver(user, 'moved@mail.test');
  // As if requested before: a request is rejected while the address is reserved.
  await app.db.executor.execute(
    sql`update users set pending_email = ${user.email}, pending_email_key = ${user.email} where id = ${other.id}`,
  );
  const subject = { userId: other.id, emailKey: user.email };
  const token = await createOneTimeTokens({ clock: app.clock }).issue(app.db.executor, 'email_verification', subject);
  const refused = await verify(token);
  t.match(refused.errors[0]?.extensions, {
    code: 'VALIDATION_ERROR',
    details: [{ field: 'email', message: 'is taken' }],
  });
  t.match(await rowOf(other), { email: other.email });
});

t.test('ends the sessions even if the former name is in use and cannot be restored', async (t) => {
  const user = await app.user();
  await update(user, { username: `was-${user.username}` });
  const token = await cancelLink(user.email);
  const other = await app.user();
  await app.db.executor.execute(
    sql`update users set username = ${user.username}, username_key = ${user.username} where id = ${other.id}`,
  );
  t.equal((await cancel(token)).code, undefined);
  t.match(await rowOf(user), { username: `was-${user.username}` });
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
});

t.test('cancels changes of a disabled account, but not of a deleted or purged one', async (t) => {
  const [disabled, deleted] = [await app.user(), await app.user()];
  for (const user of [disabled, deleted]) await takeOver(user);
  const tokens = [await cancelLink(disabled.email), await cancelLink(deleted.email)] as const;
  await setAccount(app.db, disabled.id, 'disabled');
  t.equal((await cancel(tokens[0])).code, undefined);
  t.match(await rowOf(disabled), { email: disabled.email });
  const admin = await registerAdmin(app);
  await admin.client.send('mutation ($id: ID!) { deleteUser(id: $id) }', { id: deleted.id });
  t.equal((await cancel(tokens[1])).code, 'INVALID_TOKEN');
  await admin.client.send('mutation ($id: ID!) { restoreUser(id: $id) { id } }', { id: deleted.id });
  t.equal((await cancel(tokens[1])).code, undefined, 'works again after a restore');
  await app.db.executor.execute(sql`delete from users where id = ${disabled.id}`);
  t.equal((await cancel(tokens[0])).code, 'INVALID_TOKEN');
});

t.test('limits an account to ten changes of the username a day', async (t) => {
  const user = await app.user();
  for (let n = 0; n < 10; n += 1) t.equal((await update(user, { username: `${user.username}-${n}` })).code, undefined);
  t.equal((await update(user, { username: `${user.username}-10` })).code, 'RATE_LIMIT_EXCEEDED');
});

t.test('lets the cancellation win over a concurrent confirmation', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const user = await app.user();
    const address = `race-${user.username}@mail.test`;
    await update(user, { email: address });
    const confirm = tokenIn(await app.mailTo(address));
    const token = await cancelLink(user.email);
    const [, cancelled] = await Promise.all([verify(confirm), cancel(token)]);
    t.equal(cancelled.code, undefined);
    t.match(await rowOf(user), { email: user.email, pending_email: null });
  }
});
