/** OAUTH_REGISTRATION is turned off: clients that registered themselves before keep working, and no new ones are accepted. */
import t from 'tap';
import { createClientRepository } from '../../../src/oauth/clients/repository.js';
import { startTestApp, type TestApp } from '../../helpers/app.js';
import { REDIRECT_URI, seedClient } from '../../helpers/oauth.js';
import { postForm, type OAuthAnswer } from '../../helpers/oauth-requests.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf } from '../../helpers/oauth-browser.js';
import { codeChallenge, VERIFIER } from '../../helpers/pkce.js';

const open = await startTestApp(t, { OAUTH_REGISTRATION: 'open' });
const off = await startTestApp(t, { OAUTH_REGISTRATION: 'off' }, open.db, open.clock);

async function register(app: TestApp): Promise<{ status: number; body: Record<string, string> }> {
  const metadata = { redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token'] };
  const response = await app.server.inject({ method: 'POST', url: '/oauth/register', payload: metadata });
  return { status: response.statusCode, body: response.json() };
}

/** Signs in to the client, and exchanges the code. */
async function signIn(app: TestApp, id: string, authentication: Record<string, string>): Promise<OAuthAnswer> {
  const client = (await createClientRepository(open.db.executor).find(id))!;
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl({ client }, { code_challenge: codeChallenge(), code_challenge_method: 'S256' }));
  await browser.submit(credentialsOf(await open.user()));
  const { code } = responseOf(await browser.submit({ decision: 'allow' }));
  const form = { grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
  return postForm(app, '/oauth/token', { ...form, code: code!, ...authentication });
}

t.test('a client that registered itself signs people in, refreshes and revokes', async (t) => {
  const { client_id, client_secret } = (await register(open)).body as { client_id: string; client_secret: string };
  const authentication = { client_id, client_secret };
  const before = await signIn(open, client_id, authentication);
  const refresh = (token: string) =>
    postForm(off, '/oauth/token', { grant_type: 'refresh_token', refresh_token: token, ...authentication });
  t.equal((await refresh(before.body['refresh_token'])).status, 200, 'an earlier grant');
  const after = await signIn(off, client_id, authentication);
  t.equal(after.status, 200, 'a new grant');
  const token = after.body['refresh_token'] as string;
  t.equal((await postForm(off, '/oauth/revoke', { token, ...authentication })).status, 200);
  t.match(await refresh(token), { status: 400, body: { error: 'invalid_grant' } });
});

t.test('a stored metadata document is used, and no other one is fetched', async (t) => {
  const id = 'https://client.example/known.json';
  const document = await seedClient(open, {
    id,
    source: 'METADATA_DOCUMENT',
    type: 'PUBLIC',
    authMethod: 'NONE',
    requirePkce: true,
  });
  open.clock.advance(7_200_000);
  t.equal((await signIn(off, id, { client_id: id })).status, 200);
  const browser = oauthBrowser(off.server);
  const unknown = authorizeUrl(document, { client_id: 'https://client.example/unknown.json' });
  t.match(await browser.open(unknown), { status: 400, body: /not known here/ });
});

t.test('no new client registers', async (t) => {
  t.equal((await register(off)).status, 404);
  const { body } = await off.server.inject('/.well-known/oauth-authorization-server');
  t.notOk('registration_endpoint' in (JSON.parse(body) as object));
});
