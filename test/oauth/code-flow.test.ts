/** The authorization code flow, API keys and revocation, as the clients of Bayit+ use them: no PKCE, the secret in the form. */
import t from 'tap';
import { startListeningApp } from '../helpers/listening-app.js';
import { authorize } from '../helpers/oauth-browser.js';
import { setAccount, LOGIN, PASSWORD, type SeededUser } from '../helpers/seed.js';

const REDIRECT_URI = 'https://app.bayit.test/callback?from=tv';
const CREATE_CLIENT = `mutation ($input: CreateOAuthClientInput!) {
  createOAuthClient(input: $input) { client { id } secret } }`;
const CREATE_KEY = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id prefix } } }`;

const app = await startListeningApp(t);
const { url, db, clock } = app;

interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
}

async function administrator() {
  const admin = await app.user();
  await setAccount(db, admin.id, 'role');
  const answer = await app.client().send(LOGIN, { input: { identifier: admin.email, password: PASSWORD } });
  return app.client({ token: (answer.data?.['login'] as { accessToken: string }).accessToken });
}

async function createClient() {
  const { data, errors } = await (
    await administrator()
  ).send(CREATE_CLIENT, {
    input: {
      name: 'Bayit+ for TV',
      type: 'CONFIDENTIAL',
      authMethod: 'CLIENT_SECRET',
      redirectUris: [REDIRECT_URI],
      grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN'],
      scopes: ['read:content', 'read:profile'],
      requirePkce: false,
    },
  });
  t.same(errors, []);
  const { client, secret } = data?.['createOAuthClient'] as { client: { id: string }; secret: string };
  return { client_id: client.id, client_secret: secret };
}

const post = (path: string, form: Record<string, string>) =>
  fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams(form) });

const me = (headers: Record<string, string>) =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
    body: JSON.stringify({ query: '{ me { id username } }' }),
  });

/** Sends a person through sign-in and consent; returns the URL at the client. */
async function returnedUrl(clientId: string, user: Pick<SeededUser, 'username' | 'password'>): Promise<URL> {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'read:content read:profile',
    state: 'a random state',
  });
  return authorize(app, `${url}/oauth/authorize?${query.toString()}`, user);
}

t.test('gives tokens for a code, refreshes them once each, and revokes them at once', async (t) => {
  const credentials = await createClient();
  const user = await app.user();
  const returned = await returnedUrl(credentials.client_id, user);
  t.equal(returned.origin + returned.pathname, 'https://app.bayit.test/callback');
  t.match(Object.fromEntries(returned.searchParams), {
    from: 'tv',
    state: 'a random state',
    iss: url,
    code: /.{43}/,
  });

  const exchange = { grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, ...credentials };
  const answer = await post('/oauth/token', { ...exchange, code: returned.searchParams.get('code')! });
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('cache-control'), 'no-store');
  const tokens = (await answer.json()) as TokenAnswer;
  t.match(tokens, { token_type: 'Bearer', expires_in: 3600, scope: 'read:content read:profile' });
  t.same(Object.keys(tokens).sort(), ['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type']);

  const used = await me({ authorization: `Bearer ${tokens.access_token}` });
  t.same(await used.json(), { data: { me: { id: user.id, username: user.username } } });

  const refresh = (refresh_token: string) =>
    post('/oauth/token', { grant_type: 'refresh_token', refresh_token, ...credentials });
  clock.advance(3600_000);
  t.equal((await me({ authorization: `Bearer ${tokens.access_token}` })).status, 401, 'expires after one hour');
  const renewed = (await (await refresh(tokens.refresh_token)).json()) as TokenAnswer;
  t.match(renewed, { token_type: 'Bearer', expires_in: 3600, scope: 'read:content read:profile' });
  t.not(renewed.refresh_token, tokens.refresh_token);
  t.equal((await me({ authorization: `Bearer ${renewed.access_token}` })).status, 200);

  const revoked = await post('/oauth/revoke', { token: renewed.access_token, ...credentials });
  t.equal(revoked.status, 200);
  const refused = await me({ authorization: `Bearer ${renewed.access_token}` });
  t.equal(refused.status, 401);
  t.match(await refused.json(), { errors: [{ extensions: { code: 'INVALID_TOKEN' } }] });
  t.match(await (await refresh(renewed.refresh_token)).json(), { error: 'invalid_grant' });
});

t.test('refuses a refresh token that was used before, and ends the grant', async (t) => {
  const credentials = await createClient();
  const returned = await returnedUrl(credentials.client_id, await app.user());
  const code = returned.searchParams.get('code')!;
  const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, ...credentials };
  const tokens = (await (await post('/oauth/token', form)).json()) as TokenAnswer;
  const refresh = async (refresh_token: string) => {
    const answer = await post('/oauth/token', { grant_type: 'refresh_token', refresh_token, ...credentials });
    return { status: answer.status, body: (await answer.json()) as TokenAnswer & { error?: string } };
  };
  const { body } = await refresh(tokens.refresh_token);
  clock.advance(60_000);
  t.match(await refresh(tokens.refresh_token), { status: 400, body: { error: 'invalid_grant' } });
  t.match(await refresh(body.refresh_token), { status: 400, body: { error: 'invalid_grant' } });
});

t.test('accepts a refresh token for thirty days', async (t) => {
  const credentials = await createClient();
  const returned = await returnedUrl(credentials.client_id, await app.user());
  const code = returned.searchParams.get('code')!;
  const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, ...credentials };
  const tokens = (await (await post('/oauth/token', form)).json()) as TokenAnswer;
  const refresh = (refresh_token: string) =>
    post('/oauth/token', { grant_type: 'refresh_token', refresh_token, ...credentials });
  clock.advance(30 * 86_400_000 - 1000);
  const renewed = await refresh(tokens.refresh_token);
  t.equal(renewed.status, 200);
  clock.advance(30 * 86_400_000);
  const { refresh_token: later } = (await renewed.json()) as TokenAnswer;
  t.match(await (await refresh(later)).json(), { error: 'invalid_grant' });
});

t.test('accepts an API key in X-API-Key', async (t) => {
  const user = await app.user();
  const { data, errors } = await user.client.send(CREATE_KEY, { input: { name: 'Server', scopes: ['read:profile'] } });
  t.same(errors, []);
  const { key } = data?.['createApiKey'] as { key: string };
  t.match(key, /^sk_live_[0-9A-Za-z]{71}$/);
  const answer = await me({ 'x-api-key': key });
  t.same(await answer.json(), { data: { me: { id: user.id, username: user.username } } });
});
