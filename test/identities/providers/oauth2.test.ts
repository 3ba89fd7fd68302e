/** Providers of OAuth 2.0 without OpenID Connect, with stand-ins for GitHub and Discord. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import t from 'tap';
import type { TestScope } from '../../helpers/app.js';
import { CALLBACK, CLIENT, json, providerOf, startFakeServer } from '../../helpers/fake-issuer.js';
import { startDiscord, startGitHub } from '../../helpers/oauth2-standins.js';
import { errorOf, failureOf } from '../../helpers/plex-provider.js';

t.test('signs in at GitHub with the number of the account and the primary verified address', async (t) => {
  const github = await startGitHub(t);
  const provider = providerOf(github.entry);
  t.match(provider, { name: 'GitHub', kind: 'oauth2', postsCallback: false });
  const { url, parameters } = await provider.start(CALLBACK, 'a-state');
  t.same(Object.fromEntries(new URL(url).searchParams), {
    response_type: 'code',
    client_id: CLIENT.clientId,
    redirect_uri: CALLBACK,
    scope: 'read:user user:email',
    state: 'a-state',
    code_challenge: createHash('sha256').update(parameters['codeVerifier']!).digest('base64url'),
    code_challenge_method: 'S256',
  });
  t.same(await github.signIn(provider), {
    issuer: 'https://github.com/login/oauth',
    subject: '583231',
    email: 'octocat@example.com',
    username: 'octocat',
    displayName: 'The Octocat',
    avatarUrl: 'https://avatars.githubusercontent.com/u/583231?v=4',
  });
});

t.test('takes no address of GitHub that is not both primary and verified', async (t) => {
  const github = await startGitHub(t);
  const signIn = async (entry = {}) => (await github.signIn(providerOf({ ...github.entry, ...entry }))).email;
  for (const emails of [
    [{ email: 'a@example.com', primary: true, verified: false }],
    [{ email: 'a@example.com', primary: true, verified: 'true' }],
    [{ email: 'a@example.com', primary: false, verified: true }],
    [{ primary: true, verified: true }],
    [null, 'a@example.com'],
    [],
    { email: 'a@example.com', primary: true, verified: true },
  ]) {
    github.emails = emails;
    t.equal(await signIn(), null, JSON.stringify(emails));
  }
  github.requests.length = 0;
  t.equal(await signIn({ trustEmail: false }), null);
  t.equal(await signIn({ scopes: ['read:user'] }), null);
  t.notOk(
    github.requests.some(({ path }) => path === '/user/emails'),
    'it is not asked in vain',
  );
});

t.test('reads the errors that GitHub sends with status 200', async (t) => {
  const github = await startGitHub(t);
  const wrongCode = await errorOf(github.signIn(providerOf(github.entry), { code: 'another' }));
  t.match(wrongCode, { failure: 'failed', message: 'The provider answered bad_verification_code.' });
  const wrongSecret = await errorOf(github.signIn(providerOf({ ...github.entry, clientSecret: 'x' })));
  t.match(wrongSecret, { failure: 'failed', message: 'The provider answered incorrect_client_credentials.' });
  t.equal(await failureOf(github.signIn(providerOf(github.entry), { error: 'access_denied' })), 'denied');
});

t.test('refuses the callback of another issuer or with another state', async (t) => {
  const github = await startGitHub(t);
  const provider = providerOf(github.entry);
  for (const callback of [
    { iss: 'https://evil.test' },
    { iss: 'https://github.com' },
    { state: 'another' },
    { code: '' },
  ])
    t.equal(await failureOf(github.signIn(provider, callback)), 'failed', JSON.stringify(callback));
  t.equal(github.requests.length, 0, 'no code was sent');
});

t.test('signs in at Discord', async (t) => {
  const discord = await startDiscord(t);
  const provider = providerOf(discord.entry);
  t.equal(new URL((await provider.start(CALLBACK, 's')).url).searchParams.get('scope'), 'identify email');
  t.same(await discord.signIn(provider), {
    issuer: 'https://discord.com',
    subject: '80351110224678912',
    email: 'nelly@example.com',
    username: 'nelly',
    displayName: 'Nelly',
    avatarUrl: 'https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png',
  });
  Object.assign(discord.profile, { verified: false, global_name: null, avatar: '../../x' });
  t.match(await discord.signIn(provider), { email: null, displayName: null, avatarUrl: null });
  discord.profile['verified'] = 'true';
  t.match(await discord.signIn(provider), { email: null });
});

/** A provider without an adapter. */
async function startPlain(t: TestScope) {
  const server = await startFakeServer(t);
  server.answers.set('/token', json({ access_token: 'the-access-token', token_type: 'bearer' }));
  const entry = {
    ...{ kind: 'oauth2', name: 'Plain', issuer: 'https://plain.example.com', ...CLIENT },
    authorizationEndpoint: `${server.url}/authorize?prompt=select_account`,
    tokenEndpoint: `${server.url}/token`,
    profileEndpoint: `${server.url}/me`,
    profileFields: {
      ...{ subject: 'data.id', username: 'data.login', displayName: 'name', avatarUrl: 'data.links.avatar' },
      ...{ email: 'mail', emailVerified: 'mail_ok' },
    },
    trustEmail: true,
  };
  const signIn = async (changes: object = {}) => {
    const provider = providerOf({ ...entry, ...changes });
    const { parameters } = await provider.start(CALLBACK, 's');
    const url = new URL(`${CALLBACK}?code=the-code&state=s`);
    return provider.finish({ url, redirectUri: CALLBACK, state: 's', parameters });
  };
  return { ...server, entry, signIn };
}

t.test('maps the profile of a provider that has no adapter', async (t) => {
  const { answers, signIn, entry } = await startPlain(t);
  const { url } = await providerOf(entry).start(CALLBACK, 's');
  t.match(Object.fromEntries(new URL(url).searchParams), { prompt: 'select_account', state: 's' });
  t.notOk(new URL(url).searchParams.has('scope'));
  const profile = {
    data: { id: 7, login: 'ada', links: { avatar: 'https://plain.example.com/7.png' } },
    ...{ name: 'Ada L.', mail: 'ada@example.com', mail_ok: true },
  };
  answers.set('/me', json(profile));
  t.same(await signIn(), {
    issuer: 'https://plain.example.com',
    subject: '7',
    email: 'ada@example.com',
    username: 'ada',
    displayName: 'Ada L.',
    avatarUrl: 'https://plain.example.com/7.png',
  });
  t.match(await signIn({ trustEmail: false }), { email: null });
  for (const changes of [
    { mail_ok: false },
    { mail_ok: 'true' },
    { mail_ok: 1 },
    { mail_ok: undefined },
    { mail: ['a@b.c'] },
  ]) {
    answers.set('/me', json({ ...profile, ...changes }));
    t.match(await signIn(), { email: null }, JSON.stringify(changes));
  }
  answers.set('/me', json({ data: { id: 'a', login: 5, links: 'x' }, name: {}, mail: null }));
  t.match(await signIn(), { subject: 'a', username: null, displayName: null, avatarUrl: null, email: null });
});

t.test('refuses a profile whose subject could be that of several people', async (t) => {
  const { answers, signIn } = await startPlain(t);
  for (const id of ['12345678901234567890', '1.5', '""', 'null', 'true', '[1]', '{}', '1e400']) {
    answers.set('/me', json(`{"data":{"id":${id}}}`));
    t.match(await errorOf(signIn()), { failure: 'failed', message: 'The profile has no subject.' }, id);
  }
  for (const path of ['constructor', '__proto__', 'data.constructor.name', 'data.id.length']) {
    answers.set('/me', json({ data: { id: 'a' } }));
    t.equal(await failureOf(signIn({ profileFields: { subject: path }, trustEmail: false })), 'failed', path);
  }
});

t.test('refuses answers that are no profile', async (t) => {
  const { answers, signIn } = await startPlain(t);
  for (const answer of [
    json('<html>the-page', 200, 'text/html'),
    json([{ data: { id: 1 } }]),
    json('null'),
    json('"the-text"'),
    json({ data: { id: 1 } }, 500),
    json({ data: { id: 1 } }, 201),
    json({ message: 'Bad credentials' }, 401),
    json(`{"data":{"id":1},"a":"${'x'.repeat(262_144)}"}`),
    (response) => response.writeHead(302, { location: '/me2' }).end(),
    (response) => response.destroy(),
  ] as readonly ReturnType<typeof json>[]) {
    answers.set('/me', answer);
    const error = await errorOf(signIn());
    t.equal(error.failure, 'failed');
    t.notMatch(inspect(error, { depth: 10 }), /the-/);
  }
});

t.test('reaches loopback addresses only if the entry names one', async (t) => {
  const { answers, entry, url, requests } = await startPlain(t);
  answers.set('/me', json({ data: { id: 1 } }));
  const endpoints = { authorizationEndpoint: 'https://a.example.com', tokenEndpoint: 'https://127.0.0.1/token' };
  const loopback = providerOf({ ...entry, ...endpoints, profileEndpoint: 'https://a.example.com/me' });
  const { parameters } = await loopback.start(CALLBACK, 's');
  const finish = loopback.finish({
    url: new URL(`${CALLBACK}?code=c&state=s`),
    redirectUri: CALLBACK,
    state: 's',
    parameters,
  });
  t.match(await errorOf(finish), { message: /ECONNREFUSED/ });
  const remote = providerOf({
    ...entry,
    authorizationEndpoint: 'https://a.example.com',
    tokenEndpoint: 'https://10.0.0.1/token',
    profileEndpoint: 'https://a.example.com/me',
  });
  const started = await remote.start(CALLBACK, 's');
  const refused = remote.finish({
    url: new URL(`${CALLBACK}?code=c&state=s`),
    redirectUri: CALLBACK,
    state: 's',
    parameters: started.parameters,
  });
  t.match(await errorOf(refused), { message: /public internet/ });
  t.equal(requests.length, 0, url);
});
