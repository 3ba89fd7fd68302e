/** Sign-in with identities: whom it signs in, what the first one creates, and what it never links. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { identities, identityFlows, users } from '../../src/db/schema/index.js';
import { IdentityProviderError } from '../../src/identities/provider.js';
import { auditOf } from '../helpers/audit-trail.js';
import {
  FINISH,
  identityCode,
  linkCode,
  FINISH_LINK,
  newPerson,
  signInWithIdentity,
  startIdentityApp,
} from '../helpers/identities.js';
import { VERIFIER } from '../helpers/pkce.js';
import { LOGIN, ME, PASSWORD, setAccount, tokenIn } from '../helpers/seed.js';

const app = await startIdentityApp(t);
const finish = (code: string, codeVerifier = VERIFIER) => app.client().send(FINISH, { input: { code, codeVerifier } });

t.test('creates an account without a password at the first sign-in, and signs in to it afterwards', async (t) => {
  const person = newPerson({
    email: 'Ada@mail.test',
    username: 'ada',
    displayName: 'Ada Lovelace',
    avatarUrl: 'https://idp.test/ada.png',
  });
  app.provider.person = person;
  const { data } = await signInWithIdentity(app);
  const { user, accessToken } = data!['finishIdentityLogin'];
  t.match(user, {
    email: 'Ada@mail.test',
    username: 'ada',
    displayName: 'Ada Lovelace',
    avatarUrl: 'https://idp.test/ada.png',
    isVerified: true,
  });
  const own = await app
    .client({ token: accessToken })
    .send('{ me { hasPassword identities { provider subject displayName } } }');
  t.same(own.data!['me'], {
    hasPassword: false,
    identities: [{ provider: 'idp', subject: person.subject, displayName: 'Ada Lovelace' }],
  });
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url').toString()) as { amr: string[] };
  t.same(claims.amr, ['fed']);
  app.provider.person = { ...person, email: 'other@mail.test', username: 'other', displayName: 'Ada L.' };
  const again = await signInWithIdentity(app);
  t.match(again.data!['finishIdentityLogin'].user, { id: user.id, email: 'Ada@mail.test', username: 'ada' });
  const [row] = await app.db.executor.select().from(identities).where(eq(identities.userId, user.id));
  t.match(row, { displayName: 'Ada L.', lastUsedAt: new Date(app.clock.now()) });
  t.match(await auditOf(app.db, user.id), [
    { type: 'session.opened', detail: 'by identity provider' },
    { type: 'session.opened', detail: 'by identity provider' },
    { type: 'account.registered', detail: 'with idp' },
  ]);
});

t.test('gives an account without an address of its own one that gets no mail', async (t) => {
  app.provider.person = newPerson();
  const { data } = await signInWithIdentity(app);
  const { user } = data!['finishIdentityLogin'];
  t.match(user, { email: /^[\w-]+@released\.invalid$/, isVerified: false, displayName: null, avatarUrl: null });
  t.match(user.username, /^user/);
});

t.test('never signs in to an account by its address', async (t) => {
  const victim = await app.user();
  for (const email of [victim.email, victim.email.toUpperCase(), victim.email.replace('mail', 'ｍail')]) {
    app.provider.person = newPerson({ email });
    const refused = await signInWithIdentity(app);
    t.match(refused, { code: 'IDENTITY_NOT_LINKED', data: null }, email);
  }
  t.same(await app.db.executor.select().from(identities).where(eq(identities.userId, victim.id)), []);
});

t.test('does not take over an account that somebody registered with the address of another', async (t) => {
  // The stranger registers first and links an identity; then the owner of the address proves it by a reset.
  const stranger = await app.user();
  app.provider.person = newPerson();
  const strangers = app.provider.person;
  await stranger.client.send(FINISH_LINK, { code: await linkCode(app, stranger) });
  await app
    .client()
    .send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: stranger.email });
  const token = tokenIn(await app.mailTo(stranger.email));
  const reset = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }';
  t.equal(
    (await app.client().send(reset, { input: { token, password: 'a very different secret phrase' } })).code,
    undefined,
  );
  app.provider.person = strangers;
  const { data } = await signInWithIdentity(app);
  t.not(data!['finishIdentityLogin'].user.id, stranger.id);
  t.match(await app.mailTo(stranger.email), [{}, {}, {}, {}], 'the owner learns of it');
});

t.test('keeps subjects of different issuers apart', async (t) => {
  app.provider.person = newPerson();
  app.other.person = { ...app.provider.person, issuer: 'https://other.test' };
  const first = await signInWithIdentity(app);
  const second = await signInWithIdentity(app, 'other');
  t.not(first.data!['finishIdentityLogin'].user.id, second.data!['finishIdentityLogin'].user.id);
});

t.test('makes a taken username unique', async (t) => {
  const user = await app.user();
  app.provider.person = newPerson({ username: user.username.toUpperCase() });
  const { data } = await signInWithIdentity(app);
  t.match(data!['finishIdentityLogin'].user.username, /^USER\d+-\d{6}$/);
});

t.test('a code works once, for a minute, with its verifier, and for a sign-in only', async (t) => {
  app.provider.person = newPerson();
  const code = await identityCode(app);
  t.equal((await finish(code, VERIFIER.replace('a', 'b'))).code, 'INVALID_CODE');
  t.equal((await finish(code, 'short')).code, 'INVALID_CODE');
  t.equal((await finish('x'.repeat(43))).code, 'INVALID_CODE');
  const user = await app.user();
  t.equal((await user.client.send(FINISH_LINK, { code, codeVerifier: VERIFIER })).code, 'INVALID_CODE');
  t.equal((await finish(code)).code, undefined, 'nothing of this used it up');
  t.equal((await finish(code)).code, 'INVALID_CODE');
  const late = await identityCode(app);
  app.clock.advance(60_001);
  t.equal((await finish(late)).code, 'INVALID_CODE');
});

t.test('refuses disabled and deleted accounts, and uses the code up', async (t) => {
  app.provider.person = newPerson();
  const id = (await signInWithIdentity(app)).data!['finishIdentityLogin'].user.id as string;
  await setAccount(app.db, id, 'disabled');
  const code = await identityCode(app);
  t.equal((await finish(code)).code, 'ACCOUNT_DISABLED');
  t.match(await auditOf(app.db, id), [{ type: 'login.failed', detail: 'identity, disabled' }, {}, {}]);
  await setAccount(app.db, id, 'enabled');
  t.equal((await finish(code)).code, 'INVALID_CODE');
  await setAccount(app.db, id, 'deleted');
  t.equal((await signInWithIdentity(app)).code, 'USER_NOT_FOUND');
  await app.db.executor.update(users).set({ deletedAt: null }).where(eq(users.id, id));
  t.equal(
    (await signInWithIdentity(app)).data!['finishIdentityLogin'].user.id,
    id,
    'a restored account has its identity',
  );
});

t.test('a purged account leaves no identity behind', async (t) => {
  app.provider.person = newPerson();
  const id = (await signInWithIdentity(app)).data!['finishIdentityLogin'].user.id as string;
  await setAccount(app.db, id, 'deleted');
  app.clock.advance(400 * 86_400_000);
  await app.runJob('purge deleted accounts');
  t.not((await signInWithIdentity(app)).data!['finishIdentityLogin'].user.id, id);
});

t.test('sets the cookie, and lets the account have a password afterwards', async (t) => {
  app.provider.person = newPerson({ email: 'cookie@mail.test' });
  const code = await identityCode(app);
  const input = { code, codeVerifier: VERIFIER, transport: 'COOKIE' };
  const { data, headers } = await app.client({ headers: { origin: 'http://auth.test' } }).send(FINISH, { input });
  t.equal(data!['finishIdentityLogin'].refreshToken, null);
  t.match(headers['set-cookie'], [/latchkey-refresh=/]);
  const login = { identifier: 'cookie@mail.test', password: PASSWORD };
  t.equal((await app.client().send(LOGIN, { input: login })).code, 'INVALID_CREDENTIALS');
});

t.test('five sign-ins at once create one account', async (t) => {
  app.provider.person = newPerson({ username: 'racing', email: 'racing@mail.test' });
  const codes = [];
  for (let i = 0; i < 5; i += 1) codes.push(await identityCode(app));
  const answers = await Promise.all(codes.map((code) => finish(code)));
  const ids = new Set(answers.map(({ data }) => data?.['finishIdentityLogin']?.user.id as string));
  t.same([ids.size, ids.has(undefined as never)], [1, false]);
});

t.test('one code presented five times opens one session', async (t) => {
  app.provider.person = newPerson();
  const code = await identityCode(app);
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => finish(code)));
  t.same(answers.map(({ code: refused }) => refused ?? 'opened').sort(), [...Array(4).fill('INVALID_CODE'), 'opened']);
});

t.test('stores what a provider says only if it can be stored', async (t) => {
  app.provider.person = newPerson({
    username: 'nu\0l',
    displayName: 'x\ud800',
    avatarUrl: 'javascript:alert(1)',
    email: 'not an address',
  });
  const { data } = await signInWithIdentity(app);
  t.match(data!['finishIdentityLogin'].user, { displayName: null, avatarUrl: null, isVerified: false });
  app.provider.person = newPerson({ displayName: 'd'.repeat(100_000), username: 'u'.repeat(100_000) });
  t.equal((await signInWithIdentity(app)).data!['finishIdentityLogin'].user.displayName, null);
});

t.test('clears flows that nobody finished', async (t) => {
  app.provider.person = new IdentityProviderError('failed', 'test');
  await identityCode(app);
  app.clock.advance(600_001);
  await app.runJob('clean up identity flows');
  t.same(await app.db.executor.select().from(identityFlows), []);
});

t.test('lists providers to everybody, and answers an account that has none', async (t) => {
  const { data } = await app.client().send('{ identityProviders { id name kind } }');
  t.same(data!['identityProviders'][0], { id: 'idp', name: 'IDP', kind: 'OIDC' });
  const user = await app.user();
  t.same((await user.client.send('{ me { identities { id } } }')).data, { me: { identities: [] } });
  t.equal((await user.client.send(ME)).code, undefined);
});
