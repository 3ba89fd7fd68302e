/** Sign-in at real partners by configuration alone: another Latchkey, and a stand-in for plex.tv. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { testClock } from '../helpers/clock.js';
import { FINISH, flowBrowser, START } from '../helpers/identities.js';
import { startListeningApp, synchronise } from '../helpers/listening-app.js';
import { seedClient } from '../helpers/oauth.js';
import { authorize } from '../helpers/oauth-browser.js';
import { codeChallenge, VERIFIER } from '../helpers/pkce.js';
import { ACCOUNT, NONSENSE, PLAYER, SERVER, startPlexTv } from '../helpers/plex.js';
import { tokenIn } from '../helpers/seed.js';

const RETURN_TO = 'https://app.test/welcome';
const VERIFY = 'mutation ($token: String!) { verifyEmail(token: $token) { isVerified } }';

t.test('another Latchkey', async (t) => {
  const provider = await startListeningApp(t);
  synchronise(provider);
  const { client, secret } = await seedClient(provider, {
    redirectUris: ['http://auth.test/identities/callback/company'],
    scopes: ['openid', 'profile', 'email'],
  });
  const app = await startTestApp(t, {
    RETURN_TO_ORIGINS: 'https://app.test',
    IDENTITY_PROVIDERS: JSON.stringify([
      { id: 'company', preset: 'latchkey', issuer: provider.url, clientId: client.id, clientSecret: secret },
    ]),
  });
  synchronise(app);
  const person = await provider.user({ displayName: 'Ada Lovelace' });

  const signIn = async () => {
    const input = { provider: 'company', returnTo: RETURN_TO, codeChallenge: codeChallenge() };
    const { data } = await app.client().send(START, { input });
    const browser = flowBrowser(app.server);
    const there = await browser.get(data!['startIdentityLogin'].url as string);
    const back = await browser.get((await authorize(provider, there.location!, person)).href);
    const code = back.location!.searchParams.get('code')!;
    return app.client().send(FINISH, { input: { code, codeVerifier: VERIFIER } });
  };

  const first = (await signIn()).data!['finishIdentityLogin'].user;
  t.match(first, { username: person.username, displayName: 'Ada Lovelace', isVerified: false });
  t.match(first.email, /@released\.invalid$/, 'the address is not verified there');
  await provider.client().send(VERIFY, { token: tokenIn(await provider.mailTo(person.email)) });
  t.match((await signIn()).data!['finishIdentityLogin'].user, { id: first.id, email: first.email }, 'it stays so');

  const other = await provider.user();
  await provider.client().send(VERIFY, { token: tokenIn(await provider.mailTo(other.email)) });
  Object.assign(person, other);
  t.match((await signIn()).data!['finishIdentityLogin'].user, { email: other.email, isVerified: true });

  await app.user({ email: 'taken@mail.test' });
  const third = await provider.user({ email: 'taken@mail.test' });
  await provider.client().send(VERIFY, { token: tokenIn(await provider.mailTo(third.email)) });
  Object.assign(person, third);
  t.equal((await signIn()).code, 'IDENTITY_NOT_LINKED');
});

t.test('Plex, by a PIN and by a token', async (t) => {
  const clock = testClock();
  const plex = await startPlexTv(t, clock);
  const env = {
    RETURN_TO_ORIGINS: 'https://app.test',
    IDENTITY_PROVIDERS: JSON.stringify([{ id: 'plex', kind: 'plex', issuer: plex.url }]),
    PLEX_SERVER_ID: SERVER.clientIdentifier,
    PLEX_ACCEPT_TOKENS: 'true',
  };
  const app = await startTestApp(t, env, undefined, clock);
  const PLEX = `mutation ($input: PlexLoginInput!) { loginWithPlex(input: $input) { user { id username } } }`;
  const byToken = (plexToken: string) => app.client().send(PLEX, { input: { plexToken } });

  const input = { provider: 'plex', returnTo: RETURN_TO, codeChallenge: codeChallenge() };
  const { data } = await app.client().send(START, { input });
  const browser = flowBrowser(app.server);
  const there = await browser.get(data!['startIdentityLogin'].url as string);
  const back = await browser.get(plex.signIn(there.location!.href));
  const code = back.location!.searchParams.get('code')!;
  const { user } = (await app.client().send(FINISH, { input: { code, codeVerifier: VERIFIER } })).data![
    'finishIdentityLogin'
  ];
  t.match(user, { username: 'ada.plex', email: /@released\.invalid$/ });

  t.match((await byToken(plex.login())).data!['loginWithPlex'].user, { id: user.id });
  t.equal((await byToken(plex.login(ACCOUNT, [PLAYER]))).code, 'INSUFFICIENT_PERMISSIONS', 'without the server');
  t.equal((await byToken('unknown-token')).code, 'INVALID_PLEX_TOKEN');
  plex.misbehave('GET user', NONSENSE['too many requests']);
  t.equal((await byToken(plex.login())).code, 'IDENTITY_PROVIDER_ERROR', 'can be tried again');
  const lines = JSON.stringify(app.logs);
  t.notMatch(lines, /unknown-token/);
});

t.test('loginWithPlex is off by default, and limited to five attempts in 15 minutes', async (t) => {
  const app = await startTestApp(t);
  const PLEX = `mutation ($input: PlexLoginInput!) { loginWithPlex(input: $input) { accessToken } }`;
  const client = app.client();
  const attempt = () => client.send(PLEX, { input: { plexToken: 'a-token' } });
  for (let i = 0; i < 5; i += 1) t.equal((await attempt()).code, 'QUERY_REJECTED');
  t.equal((await attempt()).code, 'RATE_LIMIT_EXCEEDED');
});
