/** passport-openidconnect signs a person in, with the profile of userinfo. */
import t from 'tap';
import { Strategy, type Profile, type VerifyCallback } from 'passport-openidconnect';
import { startListeningApp, synchronise } from '../../helpers/listening-app.js';
import { authorize } from '../../helpers/oauth-browser.js';
import { REDIRECT_URI, seedClient } from '../../helpers/oauth.js';
import { postForm, refreshForm, withSecret } from '../../helpers/oauth-requests.js';

const app = await startListeningApp(t);

interface Outcome {
  readonly redirect?: string;
  readonly user?: unknown;
  readonly failure?: unknown;
}

/** Runs the strategy for one request, as Passport does. */
function run(strategy: Strategy, request: object): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const actions = {
      redirect: (redirect: string) => resolve({ redirect }),
      success: (user: unknown) => resolve({ user }),
      fail: (failure: unknown) => resolve({ failure }),
      error: reject,
    };
    const acting = Object.assign(Object.create(strategy) as object, actions);
    Reflect.apply(strategy.authenticate, acting, [request, {}]);
  });
}

t.test('signs in, reads the profile, refreshes and revokes', async (t) => {
  const user = await app.user();
  synchronise(app);
  const seeded = await seedClient(app, { redirectUris: [REDIRECT_URI] });
  let refreshToken = '';
  const strategy = new Strategy(
    {
      issuer: app.url,
      authorizationURL: `${app.url}/oauth/authorize`,
      tokenURL: `${app.url}/oauth/token`,
      userInfoURL: `${app.url}/oauth/userinfo`,
      clientID: seeded.client.id,
      clientSecret: seeded.secret,
      callbackURL: REDIRECT_URI,
      scope: ['profile', 'email'],
    },
    (
      _issuer: string,
      profile: Profile,
      _context: object,
      _idToken: string | object,
      _accessToken: string | object,
      refresh: string,
      done: VerifyCallback,
    ) => {
      refreshToken = refresh;
      done(null, profile);
    },
  );
  const session = {};
  const { redirect } = await run(strategy, { session, query: {} });
  const returned = await authorize(app, redirect!, user);
  const query = Object.fromEntries(returned.searchParams);
  const { user: profile } = await run(strategy, { session, query });
  t.match(profile, { id: user.id, emails: [{ value: user.email }] });

  const refreshed = await postForm(app, '/oauth/token', refreshForm(seeded, refreshToken));
  t.equal(refreshed.status, 200);
  const token = refreshed.body['refresh_token'] as string;
  t.equal((await postForm(app, '/oauth/revoke', { token, ...withSecret(seeded) })).status, 200);
  t.match(await postForm(app, '/oauth/token', refreshForm(seeded, token)), { body: { error: 'invalid_grant' } });
});
