/** Sign-in with an identity provider on the login page of an authorization request. */
import t from 'tap';
import { IdentityProviderError } from '../../src/identities/provider.js';
import {
  FINISH,
  FINISH_LINK,
  flowBrowser,
  goToProvider,
  comeBack,
  linkCode,
  newPerson,
  startIdentityApp,
} from '../helpers/identities.js';
import { seedClient } from '../helpers/oauth.js';
import { authorizeUrl, oauthBrowser, responseOf, type OAuthBrowser } from '../helpers/oauth-browser.js';
import { VERIFIER } from '../helpers/pkce.js';
import { enrollTotp, totpCode } from '../helpers/totp.js';

const app = await startIdentityApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const seeded = await seedClient(app, { firstParty: true });

/** A browser that has chosen the provider; returns the state. */
async function atProvider(browser: OAuthBrowser, provider = 'idp'): Promise<string> {
  await browser.open(authorizeUrl(seeded));
  const { left } = await browser.submit({ provider });
  return left!.searchParams.get('state')!;
}
const back = (browser: OAuthBrowser, state: string) => browser.open(`/identities/callback/idp?code=x&state=${state}`);

t.test('signs in, and continues with the request', async (t) => {
  app.provider.person = newPerson();
  const browser = oauthBrowser(app.server);
  t.match(await browser.open(authorizeUrl(seeded)), { body: /Continue with IDP/ });
  const state = await atProvider(browser);
  t.match(responseOf(await back(browser, state)), { code: /./, state: 'a state' });
  t.match(responseOf(await browser.open(authorizeUrl(seeded))), { code: /./ }, 'the browser is signed in');
  t.match(await back(browser, state), { status: 400, body: /no longer valid/ }, 'the back button');
});

t.test('asks for the second factor', async (t) => {
  app.provider.person = newPerson();
  const user = await app.user();
  await user.client.send(FINISH_LINK, { code: await linkCode(app, user) });
  const { secret } = await enrollTotp(user.client, app.clock.now);
  app.clock.advance(30_000);
  const browser = oauthBrowser(app.server);
  const page = await back(browser, await atProvider(browser));
  t.match(page, { status: 200, left: undefined });
  t.match(
    responseOf(await browser.post('/oauth/login', { ...browser.hidden(), code: totpCode(secret, app.clock.now()) })),
    {
      code: /./,
    },
  );
});

t.test('shows the login page again with what went wrong', async (t) => {
  const victim = await app.user();
  const cases = [
    [newPerson({ email: victim.email }), 409, /An account with this email address exists/],
    [new IdentityProviderError('denied', 'x'), 401, /did not sign you in/],
    [new IdentityProviderError('failed', 'x'), 502, /The other provider failed/],
  ] as const;
  for (const [person, status, body] of cases) {
    app.provider.person = person;
    const browser = oauthBrowser(app.server);
    t.match(await back(browser, await atProvider(browser)), { status, body });
    app.provider.person = newPerson();
    const { left } = await browser.post('/oauth/login', { ...browser.hidden(), provider: 'idp' });
    t.ok(left, 'the person can try again');
  }
});

t.test('a code is of no use elsewhere', async (t) => {
  app.provider.person = newPerson();
  const attacker = flowBrowser(app.server);
  const { state } = await goToProvider(app, 'idp', attacker);
  const code = (await comeBack(attacker, state)).location!.searchParams.get('code')!;
  const victim = oauthBrowser(app.server);
  await victim.open(authorizeUrl(seeded));
  const { request } = victim.hidden();
  const url = `/oauth/login/identity?request=${request}&code=`;
  t.match(await victim.open(url + code), { status: 401, left: undefined }, 'a code for another client');
  const stranger = oauthBrowser(app.server);
  t.match(await stranger.open(url + code), { status: 403 }, 'the request of another browser');
  t.equal((await app.client().send(FINISH, { input: { code, codeVerifier: VERIFIER } })).code, undefined);
});

t.test('an attacker cannot sign a victim in with a callback of their own', async (t) => {
  app.provider.person = newPerson();
  const [attacker, victim] = [oauthBrowser(app.server), oauthBrowser(app.server)];
  const state = await atProvider(attacker);
  await atProvider(victim);
  t.match(await back(victim, state), { status: 403, body: /belongs to another browser/ });
});

t.test('refuses an unknown provider', async (t) => {
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(seeded));
  t.match(await browser.submit({ provider: 'unknown' }), { status: 400, left: undefined });
});
