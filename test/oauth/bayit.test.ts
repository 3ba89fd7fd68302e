/** The token endpoint as the guide of Bayit+ describes it: steps 2 and 3, the use of tokens, and the refresh. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { issueCode, REDIRECT_URI, seedClient } from '../helpers/oauth.js';
import { claimsOf, postForm } from '../helpers/oauth-requests.js';

const DAY_MS = 86_400_000;
const app = await startTestApp(t);
const user = await app.user();

async function signIn() {
  const seeded = await seedClient(app);
  const code = await issueCode(app, user.id, seeded);
  const answer = await postForm(
    app,
    '/oauth/token',
    `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(REDIRECT_URI)}` +
      `&client_id=${seeded.client.id}&client_secret=${seeded.secret}`,
  );
  const refresh = (token: string) =>
    postForm(
      app,
      '/oauth/token',
      `grant_type=refresh_token&refresh_token=${token}` +
        `&client_id=${seeded.client.id}&client_secret=${seeded.secret}`,
    );
  return { seeded, answer, refresh };
}

t.test('exchanges a code of a client without PKCE, whose secret is in the form', async (t) => {
  const { answer } = await signIn();
  t.equal(answer.status, 200);
  t.same(Object.keys(answer.body), ['access_token', 'refresh_token', 'token_type', 'expires_in', 'scope']);
  t.match(answer.body, { token_type: 'Bearer', expires_in: 3600, scope: 'read:content read:profile' });
  t.match(answer.headers['content-type'], /^application\/json/);
  t.equal(answer.headers['cache-control'], 'no-store');
});

t.test('accepts the access token for an hour, with the granted scopes', async (t) => {
  const { seeded, answer } = await signIn();
  const { access_token: token } = answer.body;
  t.match(claimsOf(token), { sub: user.id, client_id: seeded.client.id, scope: 'read:content read:profile' });
  const me = () => app.client().send('query { me { id } }', {}, { token });
  t.equal((await me()).data?.['me'].id, user.id);
  app.clock.advance(3_599_000);
  t.equal((await me()).data?.['me'].id, user.id);
  app.clock.advance(1_000);
  t.equal((await me()).code, 'TOKEN_EXPIRED');
});

t.test('returns a new refresh token at each refresh, valid for 30 days and once', async (t) => {
  const { answer, refresh } = await signIn();
  app.clock.advance(30 * DAY_MS - 1);
  const second = await refresh(answer.body['refresh_token']);
  t.equal(second.status, 200);
  t.match(second.body, { token_type: 'Bearer', expires_in: 3600, scope: 'read:content read:profile' });
  t.not(second.body['refresh_token'], answer.body['refresh_token']);
  app.clock.advance(30 * DAY_MS - 1);
  const third = await refresh(second.body['refresh_token']);
  t.equal(third.status, 200);
  app.clock.advance(30 * DAY_MS);
  const late = await refresh(third.body['refresh_token']);
  t.match(late, { status: 400, body: { error: 'invalid_grant' } });
});

t.test('ends the grant when a refresh token is used a second time', async (t) => {
  const { answer, refresh } = await signIn();
  const second = await refresh(answer.body['refresh_token']);
  app.clock.advance(60_000);
  t.match(await refresh(answer.body['refresh_token']), { status: 400, body: { error: 'invalid_grant' } });
  t.match(await refresh(second.body['refresh_token']), { status: 400, body: { error: 'invalid_grant' } });
  const { code } = await app.client().send('query { me { id } }', {}, { token: second.body['access_token'] });
  t.equal(code, 'INVALID_TOKEN');
});
