/** Headers that protect every page of the provider against framing, caches and leaks by referrer (RFC 9700 sections 4.2 and 4.16). */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import { authorizeUrl, credentialsOf, oauthBrowser, type Shown } from '../helpers/oauth-browser.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const seeded = await seedClient(app);
const user = await app.user();

t.test('no page may be framed or stored, and none sends a referrer', async (t) => {
  const browser = oauthBrowser(app.server);
  const pages: Readonly<Record<string, () => Promise<Shown>>> = {
    login: () => browser.open(authorizeUrl(seeded)),
    'refused login': () => browser.submit({ identifier: user.username, password: 'wrong' }),
    consent: () => browser.submit(credentialsOf(user)),
    'return to the client': () => browser.submit({ decision: 'allow' }),
    logout: () => browser.open('/oauth/logout'),
    device: () => browser.open('/device'),
    'unknown device': () => browser.submit({ user_code: 'BCDF-GHJK' }),
    'unknown client': () => browser.open('/oauth/authorize?client_id=x'),
    'expired request': () => browser.open('/oauth/consent?request=x'),
    'forged form': () => browser.post('/oauth/consent', {}, { 'sec-fetch-site': 'cross-site' }),
  };
  for (const [name, show] of Object.entries(pages)) {
    const { headers } = await show();
    t.match(headers['content-security-policy'], /default-src 'none'.*form-action 'self'; frame-ancestors 'none'/, name);
    const expected = { 'referrer-policy': 'no-referrer', 'cache-control': 'no-store', 'x-frame-options': 'DENY' };
    t.match(headers, expected, name);
  }
});
