/**
 * Stand-ins for GitHub and Discord, built from their documentation: paths, parameters, statuses and members are as described there,
 * not recorded.
 * @see https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 * @see https://docs.github.com/en/rest/users/emails
 * @see https://docs.discord.com/developers/topics/oauth2
 */
import type { IdentityProfile, IdentityProvider } from '../../src/identities/provider.js';
import type { TestScope } from './app.js';
import { CALLBACK, CLIENT, json, startFakeServer, type Answer, type FakeServer } from './fake-issuer.js';

export interface StandIn extends FakeServer {
  /** The fields of an entry that lead to the stand-in. */
  readonly entry: object;
  /** The answer of the profile endpoint; change its members. */
  readonly profile: Record<string, unknown>;
  /** Signs in with a provider. @param callback parameters that differ */
  signIn(provider: IdentityProvider, callback?: Record<string, string>): Promise<IdentityProfile>;
}

export interface GitHub extends StandIn {
  /** The answer of the email endpoint. */
  emails: unknown;
}

const GITHUB_ISSUER = 'https://github.com/login/oauth';
const TOKEN = 'gho_16C7e42F292c6912E7710c838347Ae178B4a';

const isAuthorized = ({ headers }: { headers: { authorization?: string | undefined } }) =>
  headers.authorization === `Bearer ${TOKEN}`;

/** The part that both have in common: `issuer` is that of the callback. */
function signInAt(iss: string | undefined): StandIn['signIn'] {
  return async (provider, callback = {}) => {
    const state = 'the-state';
    const { parameters } = await provider.start(CALLBACK, state);
    const url = new URL(CALLBACK);
    url.search = new URLSearchParams({ code: 'the-code', state, ...(iss ? { iss } : {}), ...callback }).toString();
    return provider.finish({ url, redirectUri: CALLBACK, state, parameters });
  };
}

export async function startGitHub(t: TestScope): Promise<GitHub> {
  const server = await startFakeServer(t);
  const profile: Record<string, unknown> = {
    login: 'octocat',
    id: 583231,
    node_id: 'MDQ6VXNlcjU4MzIzMQ==',
    avatar_url: 'https://avatars.githubusercontent.com/u/583231?v=4',
    type: 'User',
    name: 'The Octocat',
    // Public, chosen by the person.
    email: 'public@example.com',
  };
  const github: GitHub = {
    ...server,
    profile,
    emails: [
      { email: 'other@example.com', verified: true, primary: false, visibility: null },
      { email: 'octocat@example.com', verified: true, primary: true, visibility: 'private' },
    ],
    entry: {
      ...{ preset: 'github', trustEmail: true, ...CLIENT },
      authorizationEndpoint: `${server.url}/login/oauth/authorize`,
      tokenEndpoint: `${server.url}/login/oauth/access_token`,
      profileEndpoint: `${server.url}/user`,
    },
    signIn: signInAt(GITHUB_ISSUER),
  };
  // Errors have status 200, and forms unless the client accepts JSON.
  server.answers.set('/login/oauth/access_token', (response, request) => {
    const { form, headers } = request;
    const isClient = form.get('client_id') === CLIENT.clientId && form.get('client_secret') === CLIENT.clientSecret;
    const answer = !isClient
      ? {
          error: 'incorrect_client_credentials',
          error_description: 'The client_id and/or client_secret are incorrect.',
        }
      : form.get('code') !== 'the-code'
        ? { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' }
        : { access_token: TOKEN, scope: 'read:user,user:email', token_type: 'bearer' };
    if (headers.accept?.includes('application/json')) return json(answer)(response, request);
    const form_ = new URLSearchParams(answer).toString();
    return json(form_, 200, 'application/x-www-form-urlencoded')(response, request);
  });
  const api =
    (body: () => unknown): Answer =>
    (response, request) => {
      if (request.headers['user-agent'] === undefined) return response.writeHead(403).end();
      if (!isAuthorized(request)) return json({ message: 'Bad credentials' }, 401)(response, request);
      return json(body(), 200, 'application/json; charset=utf-8')(response, request);
    };
  server.answers.set(
    '/user',
    api(() => profile),
  );
  server.answers.set(
    '/user/emails',
    api(() => github.emails),
  );
  return github;
}

export async function startDiscord(t: TestScope): Promise<StandIn> {
  const server = await startFakeServer(t);
  const profile: Record<string, unknown> = {
    id: '80351110224678912',
    username: 'nelly',
    discriminator: '0',
    global_name: 'Nelly',
    avatar: '8342729096ea3675442027381ff50dfe',
    verified: true,
    email: 'nelly@example.com',
    flags: 64,
  };
  server.answers.set('/api/oauth2/token', (response, request) => {
    const basic = Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64');
    if (request.headers.authorization !== `Basic ${basic}`)
      return json({ error: 'invalid_client' }, 401)(response, request);
    if (request.form.get('code') !== 'the-code') return json({ error: 'invalid_grant' }, 400)(response, request);
    const token = {
      access_token: TOKEN,
      token_type: 'Bearer',
      expires_in: 604_800,
      refresh_token: 'D43f5y0ahjqew82jZ4NViEr2YafMKhue',
    };
    return json({ ...token, scope: 'identify email' })(response, request);
  });
  server.answers.set('/api/v10/users/@me', (response, request) =>
    isAuthorized(request)
      ? json(profile)(response, request)
      : json({ message: '401: Unauthorized', code: 0 }, 401)(response, request),
  );
  return {
    ...server,
    profile,
    entry: {
      ...{ preset: 'discord', trustEmail: true, ...CLIENT },
      authorizationEndpoint: `${server.url}/oauth2/authorize`,
      tokenEndpoint: `${server.url}/api/oauth2/token`,
      profileEndpoint: `${server.url}/api/v10/users/@me`,
    },
    signIn: signInAt(undefined),
  };
}
