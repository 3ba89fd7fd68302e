/** Linking and unlinking identities, and what the second factor, step-up and cancelled changes have to do with it. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { sessions } from '../../src/db/schema/index.js';
import { createIdentityLinks } from '../../src/identities/links.js';
import { createOutbox } from '../../src/mail/outbox.js';
import {
  comeBack,
  FINISH,
  FINISH_LINK,
  flowBrowser,
  linkCode,
  newPerson,
  RETURN_TO,
  signInWithIdentity,
  START_LINK,
  startIdentityApp,
  UNLINK,
} from '../helpers/identities.js';
import { auditOf } from '../helpers/audit-trail.js';
import { codeChallenge, VERIFIER } from '../helpers/pkce.js';
import { LOGIN, tokenIn, UPDATE_ME, type SeededUser } from '../helpers/seed.js';
import { enrollTotp, LOGIN_WITH_FACTOR, totpCode } from '../helpers/totp.js';

const app = await startIdentityApp(t);
const IDENTITIES = '{ me { identities { id provider } } }';
const identitiesOf = async (user: SeededUser) =>
  (await user.client.send(IDENTITIES)).data!['me'].identities as { id: string; provider: string }[];

/** A user with the person of the provider. */
async function linkedUser(): Promise<SeededUser> {
  app.provider.person = newPerson({ displayName: 'Ada' });
  const user = await app.user();
  await user.client.send(FINISH_LINK, { code: await linkCode(app, user) });
  return user;
}

t.test('links an identity, which then signs in', async (t) => {
  app.provider.person = newPerson({ displayName: 'Ada', email: 'somebody@mail.test' });
  const user = await app.user();
  const { data } = await user.client.send(FINISH_LINK, { code: await linkCode(app, user) });
  t.match(data!['finishIdentityLink'], { provider: 'idp', displayName: 'Ada', lastUsedAt: null });
  const signedIn = await signInWithIdentity(app);
  t.match(signedIn.data!['finishIdentityLogin'].user, { id: user.id, email: user.email });
  t.match((await app.mailTo(user.email)).at(-1), { subject: /^A sign-in with another provider was added to/ });
  t.match(await auditOf(app.db, user.id), [{}, { type: 'identity.linked', detail: 'idp' }, {}]);
});

t.test('linking again changes nothing', async (t) => {
  const user = await linkedUser();
  const before = await identitiesOf(user);
  t.equal((await user.client.send(FINISH_LINK, { code: await linkCode(app, user) })).code, undefined);
  t.same(await identitiesOf(user), before);
});

t.test('never moves an identity from another account', async (t) => {
  const owner = await linkedUser();
  const other = await app.user();
  const refused = await other.client.send(FINISH_LINK, { code: await linkCode(app, other) });
  t.equal(refused.code, 'IDENTITY_NOT_LINKED');
  t.same(await identitiesOf(other), []);
  t.equal((await signInWithIdentity(app)).data!['finishIdentityLogin'].user.id, owner.id);
});

t.test('the code works in the session that started, only', async (t) => {
  app.provider.person = newPerson();
  const user = await app.user();
  const code = await linkCode(app, user);
  const victim = await app.user();
  t.equal((await victim.client.send(FINISH_LINK, { code })).code, 'INVALID_CODE');
  const login = await app.client().send(LOGIN, { input: { identifier: user.username, password: user.password } });
  const elsewhere = app.client({ token: login.data!['login'].accessToken as string });
  t.equal((await elsewhere.send(FINISH_LINK, { code })).code, 'INVALID_CODE');
  t.equal((await app.client().send(FINISH, { input: { code, codeVerifier: VERIFIER } })).code, 'INVALID_CODE');
  t.equal((await user.client.send(FINISH_LINK, { code })).code, undefined);
  t.equal((await user.client.send(FINISH_LINK, { code })).code, 'INVALID_CODE');
});

t.test('with a challenge, the code needs the verifier', async (t) => {
  app.provider.person = newPerson();
  const user = await app.user();
  const input = { provider: 'idp', returnTo: RETURN_TO, codeChallenge: codeChallenge() };
  const { data } = await user.client.send(START_LINK, { input });
  const browser = flowBrowser(app.server);
  const { location } = await browser.get(data!['startIdentityLink'].url as string);
  const back = await comeBack(browser, location!.searchParams.get('state')!);
  const code = back.location!.searchParams.get('code')!;
  t.equal((await user.client.send(FINISH_LINK, { code })).code, 'INVALID_CODE');
  t.equal((await user.client.send(FINISH_LINK, { code, codeVerifier: VERIFIER })).code, undefined);
});

t.test('a session that ended while the request waited links and unlinks nothing', async (t) => {
  const user = await linkedUser();
  const [before] = await identitiesOf(user);
  const [session] = await app.db.executor.select().from(sessions).where(eq(sessions.userId, user.id));
  const links = createIdentityLinks({
    ...{ db: app.db, clock: app.clock, idleTtlMs: undefined, returnToOrigins: new Set<string>() },
    audit: { record: async () => undefined },
    outbox: createOutbox({ clock: app.clock, onWake: () => undefined }),
    flows: {
      begin: () => Promise.reject(new Error('not started here')),
      take: async () => ({ provider: 'idp', profile: newPerson() }),
    },
    ways: { emailLogin: false, issuers: [] },
  });
  const client = { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: 'test' };
  const caller = { userId: user.id, sessionId: session!.id, client };
  await user.client.send('mutation { logout }');
  await t.rejects(links.finish('code', null, caller), { code: 'INVALID_TOKEN' });
  await t.rejects(links.unlink(before!.id, caller), { code: 'INVALID_TOKEN' });
  t.same(
    (await links.list(user.id)).map(({ id }) => id),
    [before!.id],
  );
});

t.test('linking and unlinking need a recent login', async (t) => {
  const user = await linkedUser();
  const [{ id } = { id: '' }] = await identitiesOf(user);
  app.clock.advance(14 * 60_000);
  const { data } = await app.client().send('mutation ($t: String!) { refresh(refreshToken: $t) { accessToken } }', {
    t: user.refreshToken,
  });
  app.clock.advance(2 * 60_000);
  const stale = app.client({ token: data!['refresh'].accessToken as string });
  t.equal((await stale.send(START_LINK, { input: { provider: 'idp', returnTo: RETURN_TO } })).code, 'STEP_UP_REQUIRED');
  t.equal((await stale.send(UNLINK, { id })).code, 'STEP_UP_REQUIRED');
});

t.test('unlinks an identity, which then creates an account of its own', async (t) => {
  const user = await linkedUser();
  const [{ id } = { id: '' }] = await identitiesOf(user);
  const other = await app.user();
  t.equal((await other.client.send(UNLINK, { id })).code, 'NOT_FOUND');
  t.equal((await user.client.send(UNLINK, { id: 'x' })).code, 'NOT_FOUND');
  t.equal((await user.client.send(UNLINK, { id })).code, undefined);
  t.match((await app.mailTo(user.email)).at(-1), { subject: /^A sign-in with another provider was removed from/ });
  t.not((await signInWithIdentity(app)).data!['finishIdentityLogin'].user.id, user.id);
});

t.test('never unlinks the last way in', async (t) => {
  app.provider.person = newPerson({ email: 'last@mail.test' });
  const { accessToken } = (await signInWithIdentity(app)).data!['finishIdentityLogin'];
  const client = app.client({ token: accessToken as string });
  const { id } = (await client.send(IDENTITIES)).data!['me'].identities[0];
  const refused = await client.send(UNLINK, { id });
  t.equal(refused.code, 'VALIDATION_ERROR');
  t.equal((await client.send(IDENTITIES)).data!['me'].identities.length, 1);
});

t.test('an identity of an issuer that is no longer configured is no way in', async (t) => {
  app.provider.person = newPerson({ issuer: 'https://former.test' });
  const { accessToken } = (await signInWithIdentity(app)).data!['finishIdentityLogin'];
  const client = app.client({ token: accessToken as string });
  const list = async () => (await client.send(IDENTITIES)).data!['me'].identities as { id: string }[];
  const [former] = await list();
  app.provider.person = newPerson();
  const linked = await client.send(FINISH_LINK, { code: await linkCode(app, { client }) });
  const { id } = linked.data!['finishIdentityLink'];
  t.equal((await client.send(UNLINK, { id })).code, 'VALIDATION_ERROR', 'the other has the id of a provider, only');
  t.equal((await client.send(UNLINK, { id: former!.id })).code, undefined);
  t.same(
    (await list()).map((each) => each.id),
    [id],
  );
});

t.test('an account with a second factor needs it', async (t) => {
  const user = await linkedUser();
  const { secret } = await enrollTotp(user.client, app.clock.now);
  const challenged = await signInWithIdentity(app);
  t.equal(challenged.code, 'SECOND_FACTOR_REQUIRED');
  const { challenge } = challenged.errors[0]!.extensions;
  app.clock.advance(30_000);
  const input = { challenge, totp: totpCode(secret, app.clock.now()) };
  const { data } = await app.client().send(LOGIN_WITH_FACTOR, { input });
  t.equal(data!['loginWithSecondFactor'].user.id, user.id);
  const token = data!['loginWithSecondFactor'].accessToken as string;
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { amr: string[] };
  t.same(claims.amr, ['fed', 'otp', 'mfa']);
});

t.test('a cancelled change of the address unlinks what was linked since', async (t) => {
  const user = await linkedUser();
  const before = await identitiesOf(user);
  app.clock.advance(1000);
  await user.client.send(UPDATE_ME, { input: { email: `new-${user.username}@mail.test` } });
  app.clock.advance(1000);
  app.provider.person = newPerson();
  await user.client.send(FINISH_LINK, { code: await linkCode(app, user) });
  t.equal((await identitiesOf(user)).length, 2);
  const notices = (await app.mailTo(user.email)).filter(({ text }) => text.includes('/cancel-email-change'));
  await app
    .client()
    .send('mutation ($token: String!) { cancelEmailChange(token: $token) }', { token: tokenIn(notices) });
  const login = await app.client().send(LOGIN, { input: { identifier: user.email, password: user.password } });
  const client = app.client({ token: login.data!['login'].accessToken as string });
  t.same((await client.send(IDENTITIES)).data!['me'].identities, before);
  t.match(
    (await app.mailTo(user.email)).map(({ subject }) => subject).join(),
    /Sign-ins with other providers were removed/,
  );
});

t.test('an account has at most twenty', async (t) => {
  const user = await app.user();
  for (let i = 0; i < 20; i += 1) {
    app.provider.person = newPerson();
    app.clock.advance(60_000);
    const login = await app.client().send(LOGIN, { input: { identifier: user.email, password: user.password } });
    const client = app.client({ token: login.data!['login'].accessToken as string });
    const linked = await client.send(FINISH_LINK, { code: await linkCode(app, { ...user, client }) });
    t.equal(linked.code, undefined);
  }
  app.provider.person = newPerson();
  const login = await app.client().send(LOGIN, { input: { identifier: user.email, password: user.password } });
  const client = app.client({ token: login.data!['login'].accessToken as string });
  t.equal(
    (await client.send(FINISH_LINK, { code: await linkCode(app, { ...user, client }) })).code,
    'VALIDATION_ERROR',
  );
});
