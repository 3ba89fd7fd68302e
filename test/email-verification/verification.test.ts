import t from 'tap';
import { createOutbox } from '../../src/mail/outbox.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, PASSWORD, setAccount, tokenIn, type SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t);
const VERIFY = 'mutation ($token: String!) { verifyEmail(token: $token) { id email pendingEmail isVerified } }';
const VERIFY_SESSIONS = 'mutation ($token: String!) { verifyEmail(token: $token) { id sessions { id } } }';
const REQUEST = 'mutation { requestEmailVerification }';
const CHANGE = 'mutation ($email: String) { updateMe(input: { email: $email }) { email pendingEmail isVerified } }';
const ME = '{ me { email pendingEmail isVerified } }';
const verify = (token: string) => app.client().send(VERIFY, { token });
const change = (user: SeededUser, email: unknown) => user.client.send(CHANGE, { email });

t.test('sends a link at registration that confirms the address once', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  t.equal((await user.client.send(ME)).data?.['me'].isVerified, false);
  t.match((await verify(token)).data?.['verifyEmail'], { id: user.id, isVerified: true });
  t.equal((await verify(token)).code, 'INVALID_TOKEN');
  t.match(await auditOf(app.db, user.id), [{ type: 'email.verified' }]);
});

t.test('sends another link on request, voids the older one, and sends none after confirmation', async (t) => {
  const user = await app.user();
  const first = tokenIn(await app.mailTo(user.email));
  t.equal((await user.client.send(REQUEST)).data?.['requestEmailVerification'], true);
  const second = tokenIn(await app.mailTo(user.email));
  t.equal((await verify(first)).code, 'INVALID_TOKEN');
  t.equal((await verify(second)).code, undefined);
  const before = (await app.mailTo(user.email)).length;
  t.equal((await user.client.send(REQUEST)).data?.['requestEmailVerification'], true);
  t.equal((await app.mailTo(user.email)).length, before);
});

t.test('confirms only the exact address that the link was sent to', async (t) => {
  // The same name at another domain: another person's mailbox.
  const user = await app.user({ email: 'm\u0131ke@mail.test', username: 'mike-1' });
  const own = tokenIn(await app.mailTo(user.email));
  t.equal((await change(user, 'mike@mail.test')).data?.['updateMe'].pendingEmail, 'mike@mail.test');
  t.equal((await verify(own)).code, 'INVALID_TOKEN');
  t.match((await user.client.send(ME)).data?.['me'], { email: user.email, isVerified: false });

  const other = await app.user({ email: 'ada@mail.test', username: 'ada-1' });
  await change(other, '\uff41da@mail.test');
  const pending = tokenIn(await app.mailTo('\uff41da@mail.test'));
  await change(other, other.email);
  t.equal((await verify(pending)).code, 'INVALID_TOKEN', 'taken back');
  t.match((await other.client.send(ME)).data?.['me'], { email: other.email, isVerified: false });
});

t.test('sends no link to the old address while a new one is pending', async (t) => {
  const user = await app.user();
  await change(user, 'waiting@mail.test');
  t.equal((await app.mailTo('waiting@mail.test')).length, 1);
  const before = (await app.mailTo(user.email)).length;
  const outbox = createOutbox({ clock: app.clock, onWake: () => undefined });
  const mail = { kind: 'email_verification', userId: user.id, address: user.email, detail: {} } as const;
  await outbox.enqueue(app.db.executor, mail);
  t.equal((await app.mailTo(user.email)).length, before);
});

t.test('expires a link after a day', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  app.clock.advance(86_400_000);
  t.equal((await verify(token)).code, 'INVALID_TOKEN');
});

t.test('limits an account to five emails an hour', async (t) => {
  const user = await app.user();
  for (let time = 0; time < 5; time += 1) t.equal((await user.client.send(REQUEST)).code, undefined);
  const refused = await user.client.send(REQUEST);
  t.match(refused, { code: 'RATE_LIMIT_EXCEEDED', status: 429 });
  t.equal((await change(user, 'elsewhere@mail.test')).code, 'RATE_LIMIT_EXCEEDED', 'changing the address counts too');
  t.equal((await user.client.send(ME)).data?.['me'].pendingEmail, null);
  t.ok((await auditOf(app.db, user.id)).some(({ type }) => type === 'request.throttled'));
});

t.test('keeps the old address until the new one is confirmed and notifies the old one', async (t) => {
  const user = await app.user();
  const email = `new-${user.email}`;
  t.same((await change(user, email)).data?.['updateMe'], { email: user.email, pendingEmail: email, isVerified: false });
  t.equal(
    (await app.client().send(LOGIN, { input: { identifier: email, password: PASSWORD } })).code,
    'INVALID_CREDENTIALS',
  );
  const told = (await app.mailTo(user.email)).at(-1)!;
  t.match(told.text, /is to become another one/);
  t.notMatch(told.text, 'verify-email', 'the old address cannot confirm');
  t.match(told.text, 'http://auth.test/cancel-email-change?token=');
  const token = tokenIn(await app.mailTo(email));
  t.same((await verify(token)).data?.['verifyEmail'], { id: user.id, email, pendingEmail: null, isVerified: true });
  t.equal((await app.client().send(LOGIN, { input: { identifier: email, password: PASSWORD } })).code, undefined);
  t.match((await app.mailTo(user.email)).at(-1)!.subject, /changed/i);
  const types = (await auditOf(app.db, user.id)).map(({ type }) => type);
  t.ok(types.includes('email.change_requested') && types.includes('email.changed'));
});

t.test('cancels a pending change with the current address and voids its link', async (t) => {
  const user = await app.user();
  await change(user, `gone-${user.email}`);
  const token = tokenIn(await app.mailTo(`gone-${user.email}`));
  t.match((await change(user, user.email)).data?.['updateMe'], { email: user.email, pendingEmail: null });
  t.equal((await verify(token)).code, 'INVALID_TOKEN');
  t.equal((await user.client.send(ME)).data?.['me'].email, user.email);
});

t.test('rejects a taken address; the first of two to confirm gets an address', async (t) => {
  const [one, two] = [await app.user(), await app.user()];
  const taken = await change(one, two.email.toUpperCase());
  t.match(taken.errors[0]?.extensions, {
    code: 'VALIDATION_ERROR',
    details: [{ field: 'email', message: 'is taken' }],
  });
  await change(one, 'wanted@mail.test');
  const first = tokenIn(await app.mailTo('wanted@mail.test'));
  await change(two, 'Wanted@mail.test');
  const second = tokenIn(await app.mailTo('Wanted@mail.test'));
  t.equal((await verify(second)).code, undefined);
  const late = await verify(first);
  t.match(late.errors[0]?.extensions, { code: 'VALIDATION_ERROR', details: [{ field: 'email' }] });
  t.equal((await one.client.send(ME)).data?.['me'].email, one.email);
});

t.test('rejects null and malformed addresses', async (t) => {
  const user = await app.user();
  t.equal((await change(user, null)).code, 'VALIDATION_ERROR');
  t.equal((await change(user, 'nonsense')).code, 'VALIDATION_ERROR');
  t.equal((await user.client.send(ME)).data?.['me'].pendingEmail, null);
});

t.test('accepts one of several concurrent uses of a link', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  const answers = await Promise.all(Array.from({ length: 8 }, () => verify(token)));
  t.equal(answers.filter(({ code }) => code === undefined).length, 1);
});

t.test('hides the sessions of the account from a holder of the link', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  const answer = await app.client().send(VERIFY_SESSIONS, { token });
  t.equal(answer.code, 'MISSING_TOKEN');
  t.notOk(answer.data?.['verifyEmail']?.sessions);
});

t.test('rejects a link of a deleted account', async (t) => {
  for (const state of ['deleted', 'disabled'] as const) {
    const user = await app.user();
    const token = tokenIn(await app.mailTo(user.email));
    await setAccount(app.db, user.id, state);
    t.equal((await verify(token)).code, 'INVALID_TOKEN', state);
  }
});

t.test('limits a mailbox to six links an hour across accounts', async (t) => {
  const email = 'stranger@mail.test';
  const users = await Promise.all(Array.from({ length: 8 }, () => app.user()));
  for (const user of users) await change(user, email);
  t.equal((await app.mailTo(email)).length, 6);
  const trails = await Promise.all(users.map(({ id }) => auditOf(app.db, id)));
  const throttled = trails.flat().filter(({ type }) => type === 'request.throttled');
  t.match(throttled, [{ detail: 'verification mailbox' }]);
  t.equal(throttled.length, 1, 'told once');
});
