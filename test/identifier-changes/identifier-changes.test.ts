/** Changes of email addresses and usernames: the proof they need, and the mailed link that cancels them. */
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

/** The newest link that cancels a change, in what was mailed to an address. */
async function cancelLink(address: string): Promise<string> {
  return tokenIn((await app.mailTo(address)).filter(({ text }) => text.includes('cancel-email-change')));
}

/** What a thief does with a session: gives an address, and confirms it there. */
async function takeOver(user: SeededUser, address = `thief-${user.username}@mail.test`): Promise<string> {
  t.equal((await update(user, { email: address })).code, undefined);
  t.equal((await verify(tokenIn(await app.mailTo(address)))).code, undefined);
  return address;
}

t.test('a session that logged in over 15 minutes ago cannot change email address or username', async (t) => {
  const user = await app.user();
  app.clock.advance(14 * MINUTE);
  t.equal((await update(user, { username: `${user.username}-1` })).code, undefined, 'before that it can');
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
    t.match(refused, { code: 'STEP_UP_REQUIRED', status: 403 }, 'a refresh is no proof');
    t.same(refused.errors[0]?.extensions.methods, ['PASSWORD']);
  }
  t.match(await rowOf(user), { email: user.email, pending_email: null });
  t.equal((await update(later, { displayName: 'Grace' })).code, undefined);
  t.equal((await update(later, { email: user.email })).code, undefined, 'withdrawing a change needs no proof');
  t.equal((await update(later, { email: 'nonsense' })).code, 'VALIDATION_ERROR');
});

t.test('currentPassword is a proof, and a wrong one counts as a failed login', async (t) => {
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

t.test('input that is refused does not use up the right password', async (t) => {
  const user = await app.user();
  for (let time = 0; time < 6; time += 1) {
    const refused = await update(user, { email: 'x@mail.test', username: 'a b', currentPassword: PASSWORD });
    t.equal(refused.code, 'VALIDATION_ERROR');
  }
  t.equal((await update(user, { email: 'right@mail.test', currentPassword: PASSWORD })).code, undefined);
});

t.test('the link cancels a change that waits, and ends all sessions', async (t) => {
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

t.test('the link cancels a change that took effect: address back, sessions over, reset links void', async (t) => {
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

t.test('reset links of the address that is left are void when the change is cancelled', async (t) => {
  const user = await app.user();
  const address = await takeOver(user);
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: address });
  const reset = tokenIn(await app.mailTo(address));
  await cancel(await cancelLink(user.email));
  t.equal((await app.client().send(RESET, { input: { token: reset, password: NEW_PASSWORD } })).code, 'INVALID_TOKEN');
});

t.test(
  'a password that the thief chose no longer works, and the restored mailbox gets a link for a new one',
  async (t) => {
    const user = await app.user();
    const address = await takeOver(user);
    await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: address });
    const theirs = tokenIn(await app.mailTo(address));
    t.equal((await app.client().send(RESET, { input: { token: theirs, password: NEW_PASSWORD } })).code, undefined);
    t.equal((await cancel(await cancelLink(user.email))).code, undefined);
    t.equal((await login(user.email, NEW_PASSWORD)).code, 'INVALID_CREDENTIALS');
    const mail = (await app.mailTo(user.email)).slice(-1);
    t.match(mail[0]!.text, 'reset-password?token=');
    const own = 'another brass telescope';
    t.equal((await app.client().send(RESET, { input: { token: tokenIn(mail), password: own } })).code, undefined);
    t.equal((await login(user.email, own)).code, undefined);
  },
);

t.test('a changed password is voided too when it was changed with the old one', async (t) => {
  const user = await app.user();
  await takeOver(user);
  const input = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  t.equal((await user.client.send(CHANGE_PASSWORD, { input })).code, undefined);
  await cancel(await cancelLink(user.email));
  t.equal((await login(user.email, NEW_PASSWORD)).code, 'INVALID_CREDENTIALS');
});

t.test('a password that was changed while the new address waited still works', async (t) => {
  const user = await app.user();
  await update(user, { email: 'never@mail.test' });
  const input = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  t.equal((await user.client.send(CHANGE_PASSWORD, { input })).code, undefined);
  await cancel(await cancelLink(user.email));
  t.equal((await login(user.email, NEW_PASSWORD)).code, undefined);
  t.notMatch((await app.mailTo(user.email)).at(-1)!.text, 'token=');
});

t.test('cancelling undoes every later change, so that a link of the thief restores nothing', async (t) => {
  const user = await app.user();
  const first = await takeOver(user);
  app.clock.advance(MINUTE);
  const owners = await cancelLink(user.email);
  await takeOver(user, `second-${user.username}@mail.test`);
  t.equal((await update(user, { username: `x-${user.username}` })).code, undefined);
  const theirs = await cancelLink(first);
  await update(user, { email: 'third@mail.test' });
  t.equal((await cancel(owners)).code, undefined);
  t.match(await rowOf(user), { email: user.email, username: user.username, pending_email: null });
  t.equal((await cancel(theirs)).data?.['cancelEmailChange'], true);
  t.match(await rowOf(user), { email: user.email });
  t.equal((await login(user.username)).code, undefined);
});

t.test('a second use of the link is answered alike and changes nothing', async (t) => {
  const user = await app.user();
  await takeOver(user);
  const token = await cancelLink(user.email);
  const answers = await Promise.all(Array.from({ length: 5 }, () => cancel(token)));
  t.same(new Set(answers.map(({ data }) => data?.['cancelEmailChange'])), new Set([true]));
  const { data } = await login(user.email);
  await cancel(token);
  t.equal((await app.client({ token: data!['login'].accessToken }).send(ME)).code, undefined, 'later sessions live on');
  const cancelled = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'email.change_cancelled');
  t.equal(cancelled.length, 1);
});

t.test('the link works for seven days, and is bound to its change', async (t) => {
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

t.test('a username change is told to the mailbox, and its link restores the name and ends sessions', async (t) => {
  const user = await app.user();
  t.equal((await update(user, { username: `other-${user.username}` })).code, undefined);
  // Mail that waits together is sent in no order.
  const mail = (await app.mailTo(user.email)).find(({ subject }) => /username .* was changed/.test(subject))!;
  t.notMatch(mail.text, `other-${user.username}`, 'no words of a user');
  t.equal((await cancel(tokenIn([mail]))).code, undefined);
  t.match(await rowOf(user), { username: user.username });
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await login(user.username)).code, undefined);
  t.match((await auditOf(app.db, user.id)).map(({ type }) => type).includes('username.change_cancelled'), true);
});

t.test('names that were left are held for seven days, for their account alone', async (t) => {
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

t.test('an address that was asked for before it was held is refused when it is confirmed', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  await takeOver(user, 'moved@mail.test');
  // As if it had been asked for before: the request itself is refused while the address is held.
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

t.test('where the former name is in use all the same, sessions end and the rest is restored', async (t) => {
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

t.test('a disabled account can be restored, a deleted or purged one cannot', async (t) => {
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
  t.equal((await cancel(tokens[1])).code, undefined, 'a restored one can');
  await app.db.executor.execute(sql`delete from users where id = ${disabled.id}`);
  t.equal((await cancel(tokens[0])).code, 'INVALID_TOKEN');
});

t.test('ten changes of the username a day', async (t) => {
  const user = await app.user();
  for (let n = 0; n < 10; n += 1) t.equal((await update(user, { username: `${user.username}-${n}` })).code, undefined);
  t.equal((await update(user, { username: `${user.username}-10` })).code, 'RATE_LIMIT_EXCEEDED');
});

t.test('of a confirmation and a cancellation at once, the cancellation holds', async (t) => {
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
