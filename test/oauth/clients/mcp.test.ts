/** The MCP SDK finds the endpoints, registers itself, signs in with PKCE and refreshes. */
import t from 'tap';
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { startListeningApp, synchronise } from '../../helpers/listening-app.js';
import { authorize } from '../../helpers/oauth-browser.js';
import { REDIRECT_URI } from '../../helpers/oauth.js';
import { postForm } from '../../helpers/oauth-requests.js';

const app = await startListeningApp(t, { OAUTH_REGISTRATION: 'open' });

t.test('registers as a public client, signs in, refreshes, and signs in again after a revocation', async (t) => {
  const user = await app.user();
  synchronise(app);
  let client: OAuthClientInformationMixed | undefined;
  let [saved, verifier, url]: [OAuthTokens | undefined, string, URL | undefined] = [undefined, '', undefined];
  const provider: OAuthClientProvider = {
    redirectUrl: REDIRECT_URI,
    clientMetadata: {
      client_name: 'An MCP client',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      scope: 'read:content read:profile',
    },
    clientInformation: () => client,
    saveClientInformation: (information) => void (client = information),
    tokens: () => saved,
    saveTokens: (tokens) => void (saved = tokens),
    redirectToAuthorization: (target) => void (url = target),
    saveCodeVerifier: (value) => void (verifier = value),
    codeVerifier: () => verifier,
    invalidateCredentials: () => void (saved = undefined),
  };
  const tokens = (): OAuthTokens => {
    if (!saved) throw new Error('No tokens were saved.');
    return saved;
  };

  t.equal(await auth(provider, { serverUrl: app.url }), 'REDIRECT');
  const returned = await authorize(app, url!, user);
  const authorizationCode = returned.searchParams.get('code')!;
  t.equal(await auth(provider, { serverUrl: app.url, authorizationCode }), 'AUTHORIZED');
  const first = tokens();
  t.equal(first.scope, 'read:content read:profile');

  t.equal(await auth(provider, { serverUrl: app.url }), 'AUTHORIZED', 'refreshes');
  t.not(tokens().refresh_token, first.refresh_token);
  const token = tokens().access_token;
  t.match(await app.client().send('query { me { id } }', {}, { token }), { data: { me: { id: user.id } } });

  await postForm(app, '/oauth/revoke', { token, client_id: client!.client_id });
  t.equal(await auth(provider, { serverUrl: app.url }), 'REDIRECT', 'the grant has ended');
});
