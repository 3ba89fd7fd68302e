/** A response goes to a registered redirect URI or nowhere (RFC 9700 section 4.1, RFC 8252). */
import t, { type Test } from 'tap';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import { oauthCounts } from '../helpers/oauth-counts.js';
import { authorizeUrl, oauthBrowser } from '../helpers/oauth-browser.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const web = await seedClient(app, {
  redirectUris: ['https://app.example.com/callback', 'https://app.example.com/search?tenant=1&next=%2Fhome'],
});
const native = await seedClient(app, {
  type: 'PUBLIC',
  authMethod: 'NONE',
  requirePkce: true,
  redirectUris: ['http://127.0.0.1/callback', 'http://[::1]:1234/callback?a=1', 'com.example.app:/callback'],
});

/** Asserts that the request ends at a page of the provider and stores nothing. */
async function refused(t: Test, url: string, message: string) {
  const [browser, before] = [oauthBrowser(app.server), await oauthCounts(app)];
  const shown = await browser.open(url);
  t.match(shown, { status: 400, path: '/oauth/authorize', left: undefined }, message);
  t.match(shown.headers['content-security-policy'], /frame-ancestors 'none'/, message);
  t.same(await oauthCounts(app), before, message);
}

const TRICKS = [
  'https://app.example.com/callback/',
  'https://app.example.com/callback/..',
  'https://app.example.com/x/../callback',
  'https://app.example.com/callback#fragment',
  'https://app.example.com/callback#',
  'https://app.example.com/callback?',
  'https://app.example.com/callback?x=1',
  'https://app.example.com/callback;x',
  'https://user@app.example.com/callback',
  'https://app.example.com@evil.example/callback',
  'https://app.example.com.evil.example/callback',
  'https://evil-app.example.com/callback',
  'https://app.example.com:443/callback',
  'https://app.example.com:8443/callback',
  'HTTPS://app.example.com/callback',
  'https://APP.example.com/callback',
  'https://app.example.com/Callback',
  'https://app.example.com/call%62ack',
  'https://app.example.com/callback%00',
  'https://app.example.com/callback%0d%0aset-cookie:a=b',
  'https://app.example.com\\@evil.example/callback',
  'https:\\\\app.example.com\\callback',
  '//app.example.com/callback',
  'http://app.example.com/callback',
  'javascript:alert(1)',
  'data:text/html,x',
  '/callback',
  'callback',
  '',
  ' https://app.example.com/callback',
  'https://app.example.com/callback ',
  'https://app.example.com/callback\u0000',
  'https://app.example.com/callback\n',
  'https://app.example.com/c\u0430llback',
  'https://app.example.com/search?next=%2Fhome&tenant=1',
  'http://127.0.0.1/callback',
  `https://app.example.com/callback${'a'.repeat(8000)}`,
];

t.test('shows an error page for every redirect URI that is not registered exactly', async (t) => {
  for (const trick of TRICKS) await refused(t, authorizeUrl(web, { redirect_uri: trick }), JSON.stringify(trick));
  await refused(t, authorizeUrl(web, { redirect_uri: undefined }), 'no redirect URI');
});

const LOOPBACK_TRICKS = [
  'http://localhost/callback',
  'http://localhost:5000/callback',
  'http://127.0.0.1:5000/other',
  'http://127.0.0.1:5000/callback/',
  'http://127.0.0.1:5000/callback?x=1',
  'http://127.0.0.1:5000/callback#x',
  'http://127.0.0.1:70000/callback',
  'http://127.0.0.1:/callback',
  'http://127.0.0.1:80a/callback',
  'http://127.0.0.2:5000/callback',
  'http://127.1:5000/callback',
  'http://2130706433:5000/callback',
  'http://0.0.0.0:5000/callback',
  'http://user@127.0.0.1:5000/callback',
  'http://127.0.0.1:5000@evil.example/callback',
  'http://127.0.0.1.evil.example:5000/callback',
  'https://127.0.0.1:5000/callback',
  'http://[::1]:5000/callback',
  'http://[::ffff:127.0.0.1]:5000/callback',
  'http://[0:0:0:0:0:0:0:1]:5000/callback?a=1',
  'com.example.app:/other',
  'com.example.app://callback',
  'COM.example.app:/callback',
];

t.test('shows an error page for every loopback URI with another host, path or scheme', async (t) => {
  for (const trick of LOOPBACK_TRICKS) await refused(t, authorizeUrl(native, { redirect_uri: trick }), trick);
});

t.test('accepts any port of a registered loopback address, and a registered private-use scheme', async (t) => {
  const accepted = [
    'http://127.0.0.1/callback',
    'http://127.0.0.1:51004/callback',
    'http://[::1]:51004/callback?a=1',
    'com.example.app:/callback',
  ];
  for (const redirect_uri of accepted)
    t.match(
      await oauthBrowser(app.server).open(authorizeUrl(native, { redirect_uri })),
      { path: '/oauth/login' },
      redirect_uri,
    );
});

t.test('refuses a private-use scheme of a confidential client', async (t) => {
  const odd = await seedClient(app, { redirectUris: ['com.example.app:/callback'] });
  await refused(t, authorizeUrl(odd), 'confidential');
});

t.test('shows an error page for an unknown, malformed or disabled client', async (t) => {
  const disabled = await seedClient(app, { disabledAt: new Date(app.clock.now()) });
  await refused(t, authorizeUrl(disabled), 'disabled');
  for (const client_id of ['', 'unknown', '__proto__', 'a\u0000b', 'é', 'a'.repeat(5000), undefined])
    await refused(t, authorizeUrl(web, { client_id }), String(client_id).slice(0, 20));
});

t.test('shows an error page if client or redirect URI are repeated', async (t) => {
  const url = authorizeUrl(web);
  await refused(t, `${url}&client_id=${web.client.id}`, 'client');
  await refused(t, `${url}&client_id=`, 'empty client');
  await refused(t, `${url}&redirect_uri=${encodeURIComponent(web.client.redirectUris[0]!)}`, 'redirect URI');
});

t.test('keeps the query of the client in an error response', async (t) => {
  const [, redirect_uri] = web.client.redirectUris;
  const shown = await oauthBrowser(app.server).open(
    authorizeUrl(web, { redirect_uri, scope: 'nonsense', state: 'a&b=c #é' }),
  );
  t.equal(
    shown.left?.href,
    'https://app.example.com/search?tenant=1&next=%2Fhome&error=invalid_scope&error_description=' +
      'A%20scope%20is%20unknown%2C%20or%20the%20client%20may%20not%20request%20it.' +
      '&state=a%26b%3Dc%20%23%C3%A9&iss=http%3A%2F%2Fauth.test',
  );
});
