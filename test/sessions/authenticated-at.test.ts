/** Sessions record when and how their person authenticated. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { createScopeCatalogue } from '../../src/authz/scopes.js';
import { sessions } from '../../src/db/schema/index.js';
import { createServicePrincipals } from '../../src/authn/strategies/client-credentials.js';
import { createSessionStrategy } from '../../src/authn/strategies/session.js';
import { createSessionLoader } from '../../src/sessions/session-loader.js';
import { readLiveSessions } from '../../src/sessions/repository.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, REFRESH, tokenIn } from '../helpers/seed.js';
import { ofSessions, sentBy } from '../helpers/statements.js';
import { claimsOf, testAccessTokens } from '../helpers/tokens.js';

const app = await startTestApp(t, { ACCESS_TOKEN_TTL: '1h' });
const strategy = createSessionStrategy({
  secondFactorPolicy: { mustEnroll: () => false },
  accessTokens: await testAccessTokens(app),
  readSession: createSessionLoader(readLiveSessions(app.db.executor)),
  servicePrincipalOf: createServicePrincipals(app),
  accountExists: async () => true,
  noteUse: () => undefined,
  scopes: createScopeCatalogue(),
  clock: app.clock,
});
const authenticatedAt = async (accessToken: string) =>
  (await strategy.authenticate(accessToken, '192.0.2.1')).authenticatedAt;
const rowOf = async (accessToken: string) => {
  const id = String(claimsOf(accessToken)['sid']);
  const [row] = await app.db.executor.select().from(sessions).where(eq(sessions.id, id));
  return row!;
};

t.test('keeps the time of authentication across a refresh', async (t) => {
  const user = await app.user();
  const registeredAt = app.clock.now();
  app.clock.advance(60_000);
  const input = { identifier: user.username, password: user.password };
  const loggedIn = (await app.client().send(LOGIN, { input })).data!['login'];
  const loggedInAt = app.clock.now();
  app.clock.advance(60_000);
  const refreshed = (await app.client().send(REFRESH, { refreshToken: loggedIn.refreshToken })).data!['refresh'];
  t.equal(await authenticatedAt(user.accessToken), registeredAt);
  t.equal(await authenticatedAt(loggedIn.accessToken), loggedInAt);
  t.equal(await authenticatedAt(refreshed.accessToken), loggedInAt);
});

t.test('reads the time of authentication in the one statement of a request', async (t) => {
  const user = await app.user();
  const sent = await sentBy(app.db, () => authenticatedAt(user.accessToken));
  t.equal(ofSessions(sent).length, 1);
});

t.test('records the authentication methods of a session', async (t) => {
  const user = await app.user();
  t.same((await rowOf(user.accessToken)).amr, ['pwd']);
  const input = { identifier: user.username, password: user.password };
  const loggedIn = (await app.client().send(LOGIN, { input })).data!['login'];
  t.same((await rowOf(loggedIn.accessToken)).amr, ['pwd']);
  await app.client().send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
  const reset = await app
    .client()
    .send('mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }', {
      input: { token: tokenIn(await app.mailTo(user.email)), password: 'another quiet brass telescope' },
    });
  t.same((await rowOf(reset.data!['resetPassword'].accessToken)).amr, ['email']);
});
