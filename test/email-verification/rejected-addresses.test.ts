/** `rejectEmailVerification`: the owner of an unconfirmed address removes it from the account that claims it. */
import t from 'tap';
import { seenByOwner } from '../../src/audit/event.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, PASSWORD, registerAdmin, setAccount, tokenIn } from '../helpers/seed.js';

const app = await startTestApp(t);
const ME = '{ me { email pendingEmail isVerified } }';
const REJECT = 'mutation ($token: String!) { rejectEmailVerification(token: $token) }';
const VERIFY = 'mutation ($token: String!) { verifyEmail(token: $token) { id } }';
const CHANGE = 'mutation ($email: String) { updateMe(input: { email: $email }) { id } }';
const EVENTS = '{ auditEvents(first: 1) { edges { node { type ipAddress } } } }';
const reject = (token: string) => app.client().send(REJECT, { token });

t.test('removes an unconfirmed address from a new account and changes nothing else', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  t.equal((await reject(token)).data?.['rejectEmailVerification'], true);
  const { email, isVerified } = (await user.client.send(ME)).data!['me'];
  t.match(email, /^[0-9a-f-]{36}@released\.invalid$/);
  t.equal(isVerified, false);
  t.match(await auditOf(app.db, user.id), [{ type: 'email.rejected', detail: 'unconfirmed address' }]);
  t.equal((await reject(token)).code, 'INVALID_TOKEN', 'single use');
  const login = { identifier: user.username, password: PASSWORD };
  t.equal((await app.client().send(LOGIN, { input: login })).code, undefined, 'the account still exists');
  const owner = await app.user({ email: user.email });
  t.equal(
    (await app.client().send(LOGIN, { input: { ...login, identifier: user.email } })).data!['login'].user.id,
    owner.id,
  );
});

t.test('sends no mail to the placeholder, and accepts another address', async (t) => {
  const user = await app.user();
  await reject(tokenIn(await app.mailTo(user.email)));
  const { email } = (await user.client.send(ME)).data!['me'];
  await user.client.send('mutation { requestEmailVerification }');
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email });
  t.equal((await user.client.send(CHANGE, { email: 'right@mail.test' })).code, undefined);
  const confirmed = await app.client().send(VERIFY, { token: tokenIn(await app.mailTo('right@mail.test')) });
  t.equal(confirmed.code, undefined);
  t.match((await user.client.send(ME)).data!['me'], { email: 'right@mail.test', isVerified: true });
  t.same(await app.mailTo(email), []);
});

t.test('voids links that were mailed to the removed address', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const reset = tokenIn(await app.mailTo(user.email));
  await reject(token);
  const input = { token: reset, password: 'a brand new brass telescope' };
  const answer = await app
    .client()
    .send('mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { expiresIn } }', { input });
  t.equal(answer.code, 'INVALID_TOKEN');
});

t.test('removes a pending address and keeps the current one', async (t) => {
  for (const confirmed of [true, false]) {
    const user = await app.user();
    const first = tokenIn(await app.mailTo(user.email));
    if (confirmed) await app.client().send(VERIFY, { token: first });
    await user.client.send(CHANGE, { email: `new-${user.email}` });
    const token = tokenIn(await app.mailTo(`new-${user.email}`));
    t.equal((await reject(token)).code, undefined);
    t.same((await user.client.send(ME)).data!['me'], {
      email: user.email,
      pendingEmail: null,
      isVerified: confirmed,
    });
    t.match(await auditOf(app.db, user.id), [{ type: 'email.rejected', detail: 'pending address' }]);
    t.equal((await app.client().send(VERIFY, { token })).code, 'INVALID_TOKEN');
  }
});

t.test('keeps a confirmed address, and that of a deleted account', async (t) => {
  const user = await app.user();
  const token = tokenIn(await app.mailTo(user.email));
  const admin = await registerAdmin(app);
  await admin.client.send('mutation ($id: ID!) { updateUser(id: $id, input: { isVerified: true }) { id } }', {
    id: user.id,
  });
  t.equal((await reject(token)).code, 'INVALID_TOKEN');
  t.match((await user.client.send(ME)).data!['me'], { email: user.email, isVerified: true });

  const gone = await app.user();
  const late = tokenIn(await app.mailTo(gone.email));
  await setAccount(app.db, gone.id, 'deleted');
  t.equal((await reject(late)).code, 'INVALID_TOKEN');
});

t.test('hides the IP address and browser of the rejection from the account', async (t) => {
  const user = await app.user();
  const admin = await registerAdmin(app);
  await reject(tokenIn(await app.mailTo(user.email)));
  t.match((await admin.client.send(EVENTS)).data!['auditEvents'].edges, [
    { node: { type: 'email.rejected', ipAddress: /^\d+\./ } },
  ]);
  const record = {
    id: '1',
    type: 'email.rejected',
    userId: user.id,
    actorId: null,
    actorKind: null,
    serviceAccountId: null,
    apiKeyId: null,
    sessionId: null,
    ipAddress: '192.0.2.1',
    userAgent: 'Browser/1',
    detail: null,
    createdAt: new Date(0),
  };
  t.match(seenByOwner(record), { ipAddress: null, userAgent: null });
});
