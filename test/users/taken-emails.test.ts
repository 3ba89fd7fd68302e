/** REVEAL_TAKEN_EMAILS=false: no response reveals whether an email address is taken; its mailbox is notified. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, REGISTER, registerAdmin, tokenIn } from '../helpers/seed.js';

const app = await startTestApp(t, { REVEAL_TAKEN_EMAILS: 'false' });
const VERIFY = 'mutation ($token: String!) { verifyEmail(token: $token) { email isVerified } }';
const CHANGE = 'mutation ($email: String) { updateMe(input: { email: $email }) { email pendingEmail isVerified } }';
const ASK_RESET = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
const verify = (token: string) => app.client().send(VERIFY, { token });
const login = (identifier: string) => app.client().send(LOGIN, { input: { identifier, password: PASSWORD } });
const linksTo = async (address: string) =>
  (await app.mailTo(address)).filter(({ text }) => text.includes('verify-email?token='));

/** A user whose address is confirmed, and so is theirs. */
async function confirmed() {
  const user = await app.user();
  t.equal((await verify(tokenIn(await linksTo(user.email)))).code, undefined);
  return user;
}
/** The response without values that differ each time. */
function shape(answer: Awaited<ReturnType<typeof login>>, field: string) {
  const { user, ...payload } = answer.data![field] as Record<string, object>;
  return [answer.status, Object.keys(payload), Object.keys(user!), answer.errors];
}

t.test('gives the same responses for a taken address during and after registration', async (t) => {
  const owner = await confirmed();
  const attempt = async (email: string, username: string) => {
    const registered = await app.client().send(REGISTER, { input: { email, username, password: PASSWORD } });
    const client = app.client({ token: registered.data!['register'].accessToken });
    const { data } = await client.send('{ me { email pendingEmail isVerified } }');
    const again = await app.client().send(REGISTER, { input: { email, username: `${username}2`, password: PASSWORD } });
    return [
      shape(registered, 'register'),
      { ...data!['me'], email: data!['me'].email === email },
      (await login(email)).code,
      (await login(username)).code,
      (await client.send('mutation { requestEmailVerification }')).data,
      shape(again, 'register'),
      (await app.client().send(ASK_RESET, { email })).data,
    ];
  };
  // A wrong password for the owner's own account, so that it is a stranger's attempt.
  const taken = await attempt(owner.email.toUpperCase(), 'stranger');
  const free = await attempt('FREE@mail.test', 'somebody');
  taken[2] = free[2] = 'login';
  t.same(taken, free);
  const told = (await app.mailTo(owner.email.toUpperCase())).at(-1)!;
  t.match(told.text, /belongs to your account there already/);
  t.notMatch(told.text, 'token=');
});

t.test('rejects a login by a taken address with the password of another registration', async (t) => {
  const owner = await confirmed();
  const input = { email: owner.email, username: 'intruder', password: 'another brass telescope' };
  t.equal((await app.client().send(REGISTER, { input })).code, undefined);
  const byEmail = { identifier: owner.email, password: input.password };
  t.equal((await app.client().send(LOGIN, { input: byEmail })).code, 'INVALID_CREDENTIALS');
  t.equal((await login(owner.email)).code, undefined, "the owner's login is what it was");
});

t.test('claims an address once, when its mailbox confirms it', async (t) => {
  const email = 'both@mail.test';
  const [first, second] = [await app.user({ email }), await app.user({ email: 'Both@mail.test' })];
  t.equal((await login(email)).code, 'INVALID_CREDENTIALS', 'nobody can log in with it before');
  const links = [tokenIn(await linksTo(email)), tokenIn(await linksTo('Both@mail.test'))] as const;
  t.match((await verify(links[1])).data?.['verifyEmail'], { isVerified: true });
  t.equal((await login(email)).data?.['login'].user.id, second.id);
  const late = await verify(links[0]);
  t.match(late.errors[0]?.extensions, { code: 'VALIDATION_ERROR', details: [{ field: 'email', message: 'is taken' }] });
  t.equal((await first.client.send('{ me { isVerified } }')).data?.['me'].isVerified, false);
});

t.test('gives the same response to updateMe for a taken address and notifies the mailbox', async (t) => {
  const [owner, user, other] = [await confirmed(), await confirmed(), await confirmed()];
  const taken = await user.client.send(CHANGE, { email: owner.email });
  const free = await other.client.send(CHANGE, { email: 'new@mail.test' });
  const answer = ({ data, errors, status }: typeof taken) => [status, errors, Object.keys(data!['updateMe'] as object)];
  t.same(answer(taken), answer(free));
  t.equal(taken.data?.['updateMe'].pendingEmail, owner.email);
  t.match((await app.mailTo(owner.email)).at(-1)!.text, /belongs to your account there already/);
  t.equal((await linksTo('new@mail.test')).length, 1);
});

t.test('reports a taken username in every mode', async (t) => {
  const owner = await app.user();
  await t.rejects(app.user({ username: owner.username }), /is taken/);
});

t.test('claims an address that an administrator confirms, unless it is taken', async (t) => {
  const admin = await registerAdmin(app);
  const [owner, user] = [await confirmed(), await app.user()];
  const intruder = await app.user({ email: owner.email });
  const confirm = ({ id }: { id: string }) =>
    admin.client.send('mutation ($id: ID!) { updateUser(id: $id, input: { isVerified: true }) { isVerified } }', {
      id,
    });
  t.equal((await confirm(user)).code, undefined);
  t.equal((await login(user.email)).code, undefined);
  t.match((await confirm(intruder)).errors[0]?.extensions.details, [{ field: 'email', message: 'is taken' }]);
  const found = await admin.client.send('query ($s: String) { users(search: $s) { edges { node { id } } } }', {
    s: owner.email,
  });
  t.equal(found.data?.['users'].edges.length, 2, 'both are found by it');
});

t.test('claims the address with a used reset link', async (t) => {
  const user = await app.user();
  const move = await user.client.send('mutation { updateMe(input: { username: "moved-away" }) { id } }');
  t.equal(move.code, undefined);
  const document = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
  const input = { currentPassword: PASSWORD, newPassword: 'another brass telescope' };
  t.equal((await user.client.send(document, { input })).code, undefined);
  const cancel = tokenIn((await app.mailTo(user.email)).filter(({ text }) => text.includes('cancel-email-change')));
  t.equal((await app.client().send(`mutation { cancelEmailChange(token: "${cancel}") }`)).code, undefined);
  const reset = tokenIn(await app.mailTo(user.email));
  const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { user { isVerified } } }';
  const done = await app.client().send(RESET, { input: { token: reset, password: PASSWORD } });
  t.equal(done.data?.['resetPassword'].user.isVerified, true);
  t.equal((await login(user.email)).code, undefined);
});

t.test('restores an unclaimed address after a cancelled change without claiming it', async (t) => {
  const user = await app.user();
  await user.client.send(CHANGE, { email: 'elsewhere@mail.test' });
  t.equal((await verify(tokenIn(await linksTo('elsewhere@mail.test')))).code, undefined);
  const cancel = tokenIn((await app.mailTo(user.email)).filter(({ text }) => text.includes('cancel-email-change')));
  t.equal((await app.client().send(`mutation { cancelEmailChange(token: "${cancel}") }`)).code, undefined);
  t.equal((await login(user.email)).code, 'INVALID_CREDENTIALS');
  const again = await login(user.username);
  t.match(again.data?.['login'].user, { email: user.email, isVerified: false });
});
