/** RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0). */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import {
  authorizeUrl,
  idTokenOf,
  oauthBrowser,
  responseOf,
  visitorOf,
  type OAuthBrowser,
} from '../helpers/oauth-browser.js';

const GOODBYE = 'https://app.example.com/goodbye?a=1';
const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const seeded = await seedClient(app, { postLogoutRedirectUris: [GOODBYE] });

const logoutUrl = (parameters: Record<string, string>) => `/oauth/logout?${new URLSearchParams(parameters).toString()}`;
const isSignedIn = async (browser: OAuthBrowser) =>
  responseOf(await browser.open(authorizeUrl(seeded, { prompt: 'none' })))['error'] !== 'login_required';

/** Live sessions and grants of an account. */
async function live(userId: string): Promise<number> {
  const rows = await app.db.executor
    .select({ count: sql<number>`count(*)::int` })
    .from(sql`sessions`)
    .where(sql`user_id = ${userId} and ended_at is null`);
  return rows[0]!.count;
}

t.test('ends session and grant without a question if the ID token is of the session', async (t) => {
  const user = await app.user();
  const browser = await visitorOf(app, user, seeded);
  const id_token_hint = await idTokenOf(app, browser, seeded);
  const before = await live(user.id);
  app.clock.advance(2 * 3_600_000);
  const left = await browser.open(logoutUrl({ id_token_hint, post_logout_redirect_uri: GOODBYE, state: 'a&b' }));
  t.match(left, { status: 303 });
  t.equal(left.left?.href, `${GOODBYE}&state=a%26b`);
  t.equal(await live(user.id), before - 2);
  t.notOk(await isSignedIn(browser));
});

t.test('leaves a notice for each client of the session that has an address for logout tokens', async (t) => {
  const told = await seedClient(app, { backchannelLogoutUri: 'https://app.example.com/logout' });
  const user = await app.user();
  const browser = await visitorOf(app, user, told);
  await idTokenOf(app, browser, told);
  const id_token_hint = await idTokenOf(app, browser, seeded);
  await browser.open(logoutUrl({ id_token_hint }));
  const notices = await app.db.executor
    .select({ clientId: sql<string>`client_id`, userId: sql<string>`user_id` })
    .from(sql`oauth_logout_notices`);
  t.same(notices, [{ clientId: told.client.id, userId: user.id }]);
});

t.test('asks without an ID token of the session, and ends nothing until the person confirms', async (t) => {
  const user = await app.user();
  const browser = await visitorOf(app, user, seeded);
  const other = await visitorOf(app, await app.user(), seeded);
  const id_token_hint = await idTokenOf(app, other, seeded);
  for (const parameters of [{}, { client_id: seeded.client.id }, { id_token_hint }]) {
    t.match(await browser.open(logoutUrl(parameters)), { status: 200, left: undefined });
    t.ok(await isSignedIn(browser));
  }
  await browser.open(logoutUrl({ client_id: seeded.client.id, post_logout_redirect_uri: GOODBYE }));
  const [key, search] = [browser.hidden()['key']!, browser.hidden()['search']!];
  t.match(await browser.post('/oauth/logout', { key, search }, { 'sec-fetch-site': 'cross-site' }), { status: 403 });
  t.match(await browser.post('/oauth/logout', { key: 'x', search }), { status: 403 });
  t.match(await other.post('/oauth/logout', { key, search }), { status: 403 });
  t.ok(await isSignedIn(browser));
  const done = await browser.post('/oauth/logout', { key, search });
  t.equal(done.left?.href, GOODBYE);
  t.notOk(await isSignedIn(browser));
  t.ok(await isSignedIn(other));
});

t.test('refuses forged hints and addresses that are not registered, and ends nothing', async (t) => {
  const browser = await visitorOf(app, await app.user(), seeded);
  const token = await idTokenOf(app, browser, seeded);
  const another = await seedClient(app);
  const refused: Record<string, string>[] = [
    { id_token_hint: 'a.b.c' },
    { id_token_hint: `${token.slice(0, -4)}AAAA` },
    { id_token_hint: token, client_id: another.client.id },
    { client_id: 'unknown' },
    { post_logout_redirect_uri: GOODBYE },
    { client_id: another.client.id, post_logout_redirect_uri: GOODBYE },
    { id_token_hint: token, post_logout_redirect_uri: `${GOODBYE}&x` },
    { id_token_hint: token, post_logout_redirect_uri: 'https://evil.example/' },
  ];
  for (const parameters of refused)
    t.match(await browser.open(logoutUrl(parameters)), { status: 400, left: undefined }, JSON.stringify(parameters));
  t.match(await browser.open(`${logoutUrl({ id_token_hint: token })}&state=1&state=2`), { status: 400 });
  t.ok(await isSignedIn(browser));
});

t.test('takes a request by POST, and one of a browser without a session', async (t) => {
  const browser = oauthBrowser(app.server);
  const sent = await browser.post('/oauth/logout', { client_id: seeded.client.id }, { 'sec-fetch-site': 'cross-site' });
  t.match(sent, { status: 200, path: '/oauth/logout' });
  t.match(sent.body, /You are signed out/);
});
