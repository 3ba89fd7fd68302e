import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import { authorizeUrl, oauthBrowser, responseOf } from '../helpers/oauth-browser.js';
import type { SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const seeded = await seedClient(app);
const credentials = ({ username, password }: SeededUser) => ({ identifier: username, password });

/** How many codes, consents and waiting requests there are. */
async function counts() {
  const rows = await app.db.executor
    .select({
      codes: sql<number>`(select count(*)::int from oauth_codes)`,
      consents: sql<number>`(select count(*)::int from oauth_consents)`,
      requests: sql<number>`(select count(*)::int from oauth_requests)`,
    })
    .from(sql`(select 1) as one`);
  return rows[0]!;
}

t.test('signs in, asks for consent and returns a code', async (t) => {
  const [user, browser] = [await app.user(), oauthBrowser(app.server)];
  const login = await browser.open(authorizeUrl(seeded));
  t.match(login, { status: 200, path: '/oauth/login' });
  const consent = await browser.submit(credentials(user));
  t.match(consent, { status: 200, path: '/oauth/consent' });
  const before = await counts();
  const done = await browser.submit({ decision: 'allow' });
  t.match(done, { status: 200, path: '/oauth/consent' });
  t.equal(done.left?.origin, 'https://app.example.com');
  t.match(responseOf(done), { code: /^[\w-]{43}$/, state: 'a state', iss: 'http://auth.test' });
  t.same(await counts(), {
    codes: before.codes + 1,
    consents: before.consents + 1,
    requests: before.requests - 1,
  });
});
