/** simple-oauth2 signs in without PKCE, refreshes and revokes. */
import t from 'tap';
import { AuthorizationCode } from 'simple-oauth2';
import { startListeningApp, synchronise } from '../../helpers/listening-app.js';
import { authorize } from '../../helpers/oauth-browser.js';
import { REDIRECT_URI, seedClient } from '../../helpers/oauth.js';

const app = await startListeningApp(t);

for (const authorizationMethod of ['header', 'body'] as const)
  t.test(`signs in with the credentials in the ${authorizationMethod}, refreshes and revokes`, async (t) => {
    const user = await app.user();
    synchronise(app);
    const { client, secret } = await seedClient(app, { redirectUris: [REDIRECT_URI] });
    const oauth = new AuthorizationCode({
      client: { id: client.id, secret },
      auth: {
        tokenHost: app.url,
        tokenPath: '/oauth/token',
        revokePath: '/oauth/revoke',
        authorizePath: '/oauth/authorize',
      },
      options: { authorizationMethod },
    });
    const url = oauth.authorizeURL({
      redirect_uri: REDIRECT_URI,
      scope: ['read:content', 'read:profile'],
      state: 'a-state',
    });
    const returned = await authorize(app, url, user);
    t.equal(returned.searchParams.get('state'), 'a-state');
    const code = returned.searchParams.get('code')!;
    const granted = await oauth.getToken({ code, redirect_uri: REDIRECT_URI });
    const refreshed = await granted.refresh();
    const token = refreshed.token['access_token'] as string;
    t.match(await app.client().send('query { me { id } }', {}, { token }), { data: { me: { id: user.id } } });
    await refreshed.revoke('access_token');
    t.match(await app.client().send('query { me { id } }', {}, { token }), { code: 'INVALID_TOKEN' });
    await t.rejects(refreshed.refresh(), /400/);
    await t.resolves(refreshed.revokeAll(), 'the tokens of a grant that has ended');
  });
