/** `id_token_hint` of authorization requests (OpenID Connect Core 1.0 section 3.1.2.1): the client means one person. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import { oauthCounts } from '../helpers/oauth-counts.js';
import { authorizeUrl, credentialsOf, idTokenOf, oauthBrowser, responseOf } from '../helpers/oauth-browser.js';
import type { SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const seeded = await seedClient(app);
const [ada, eve] = [await app.user(), await app.user()];
/** A browser of the person, who allows the client again. */
async function visit(user: SeededUser, client = seeded) {
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(client, { prompt: 'consent' }));
  await browser.submit(credentialsOf(user));
  await browser.submit({ decision: 'allow' });
  return browser;
}
const hintOf = async (user: SeededUser, client = seeded) => idTokenOf(app, await visit(user, client), client);

t.test('answers for the person of the hint, also by an expired ID token', async (t) => {
  const [browser, id_token_hint] = [await visit(ada), await hintOf(ada)];
  app.clock.advance(2 * 3_600_000);
  for (const more of [{}, { prompt: 'none' }])
    t.match(responseOf(await browser.open(authorizeUrl(seeded, { id_token_hint, ...more }))), { code: /./ });
});

t.test('answers login_required with prompt=none if another person is signed in', async (t) => {
  const [browser, id_token_hint] = [await visit(eve), await hintOf(ada)];
  const before = await oauthCounts(app);
  const none = await browser.open(authorizeUrl(seeded, { id_token_hint, prompt: 'none' }));
  t.match(responseOf(none), { error: 'login_required', state: 'a state', iss: 'http://auth.test' });
  t.same(await oauthCounts(app), before);
});

t.test('asks the person of the hint to sign in, and accepts no other', async (t) => {
  const [browser, id_token_hint] = [await visit(eve), await hintOf(ada)];
  t.match(await browser.open(authorizeUrl(seeded, { id_token_hint })), { path: '/oauth/login' });
  t.match(responseOf(await browser.submit(credentialsOf(ada))), { code: /./ });
  await browser.open(authorizeUrl(seeded, { id_token_hint: await hintOf(eve) }));
  t.match(responseOf(await browser.submit(credentialsOf(ada))), { error: 'login_required', state: 'a state' });
  t.match(responseOf(await browser.open(authorizeUrl(seeded))), { code: /./ }, 'the session is that of the new login');
});

t.test('takes no session for granted if the hint is no ID token of the client', async (t) => {
  const token = await hintOf(ada);
  const browser = await visit(ada);
  const hints = [
    'nonsense',
    'a.b.c',
    `${token.slice(0, -4)}AAAA`,
    ada.accessToken,
    await hintOf(ada, await seedClient(app)),
  ];
  for (const [at, id_token_hint] of hints.entries()) {
    const none = await browser.open(authorizeUrl(seeded, { id_token_hint, prompt: 'none' }));
    t.match(responseOf(none), { error: 'login_required' }, `hint ${at}`);
    t.match(await browser.open(authorizeUrl(seeded, { id_token_hint })), { path: '/oauth/login' }, `hint ${at}`);
    t.match(responseOf(await browser.submit(credentialsOf(ada))), { code: /./ }, `hint ${at}`);
  }
});
