/** oauth4webapi signs in, introspects and revokes. */
import t from 'tap';
import * as oauth from 'oauth4webapi';
import { startListeningApp, synchronise } from '../../helpers/listening-app.js';
import { authorize } from '../../helpers/oauth-browser.js';
import { REDIRECT_URI, seedClient } from '../../helpers/oauth.js';

const app = await startListeningApp(t);
// eslint-disable-next-line @typescript-eslint/no-deprecated -- the server is on loopback, without TLS
const insecure = { [oauth.allowInsecureRequests]: true };

t.test('signs in with OpenID Connect, introspects, refreshes and revokes', async (t) => {
  const user = await app.user();
  synchronise(app);
  const { client: seeded, secret } = await seedClient(app, { redirectUris: [REDIRECT_URI] });
  const issuer = new URL(app.url);
  const discovered = await oauth.discoveryRequest(issuer, insecure);
  const server = await oauth.processDiscoveryResponse(issuer, discovered);
  const client: oauth.Client = { client_id: seeded.id };
  const authentication = oauth.ClientSecretBasic(secret);

  const [verifier, nonce, state] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomNonce(),
    oauth.generateRandomState(),
  ];
  const url = new URL(server.authorization_endpoint!);
  url.search = new URLSearchParams({
    client_id: seeded.id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid read:content',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
  }).toString();
  const returned = await authorize(app, url, user);

  const callback = oauth.validateAuthResponse(server, client, returned, state);
  const exchanged = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    authentication,
    callback,
    REDIRECT_URI,
    verifier,
    insecure,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, exchanged, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(server, exchanged, insecure);
  t.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, user.id);

  const introspect = async (token: string) => {
    const response = await oauth.introspectionRequest(server, client, authentication, token, insecure);
    return oauth.processIntrospectionResponse(server, client, response);
  };
  t.match(await introspect(tokens.access_token), { active: true, sub: user.id, client_id: seeded.id });

  const refreshResponse = await oauth.refreshTokenGrantRequest(
    server,
    client,
    authentication,
    tokens.refresh_token!,
    insecure,
  );
  const refreshed = await oauth.processRefreshTokenResponse(server, client, refreshResponse);
  const revoked = await oauth.revocationRequest(server, client, authentication, refreshed.refresh_token!, insecure);
  await oauth.processRevocationResponse(revoked);
  t.same(await introspect(refreshed.access_token), { active: false });
});
