/** Bodies and parameters that no client should send, at every endpoint and page with a form: refused as the RFCs say, no change. */
import t, { type Test } from 'tap';
import { sql } from 'drizzle-orm';
import { startTestApp } from '../helpers/app.js';
import { seedServiceAccount } from '../helpers/oauth-grants.js';
import { seedClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, withSecret } from '../helpers/oauth-requests.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf, visitorOf } from '../helpers/oauth-browser.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m', RATE_LIMIT_AUTHENTICATED: '100000/1m' });
const user = await app.user();
const seeded = await seedClient(app, {
  grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'DEVICE_CODE', 'CLIENT_CREDENTIALS'],
  serviceAccountId: await seedServiceAccount(app),
});
const FORM = withSecret(seeded);
const code = responseOf((await visitorOf(app, user, seeded)).shown)['code']!;
const tokens = (await postForm(app, '/oauth/token', exchangeForm(seeded, code))).body as Record<string, string>;

/** A right form of each endpoint. None of them is sent as it is. */
const ENDPOINTS: Readonly<Record<string, Record<string, string>>> = {
  '/oauth/token': { ...FORM, grant_type: 'refresh_token', refresh_token: tokens['refresh_token']! },
  '/oauth/revoke': { ...FORM, token: tokens['refresh_token']! },
  '/oauth/introspect': { ...FORM, token: tokens['access_token']! },
  '/oauth/device_authorization': { ...FORM },
  '/oauth/userinfo': { access_token: tokens['access_token']! },
};
const LARGE = 'x'.repeat(100_000);

/** What a request could change: all rows of the tables that OAuth writes. */
async function state() {
  const tables = ['oauth_codes', 'oauth_device_codes', 'oauth_requests', 'oauth_service_grants', 'oauth_consents'];
  const rows = await Promise.all(
    [...tables, 'sessions'].map((table) =>
      app.db.executor
        .select({ row: sql<string>`row_to_json(each)::text` })
        .from(sql`${sql.identifier(table)} as each`)
        .orderBy(sql`row_to_json(each)::text`),
    ),
  );
  return rows.map((each) => each.map(({ row }) => row));
}

/** The body of an error as RFC 6749 section 5.2 defines it, and nothing else. */
function isOfTheRfc(body: Record<string, unknown>): boolean {
  const { error, error_description: description, ...more } = body;
  const printable = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
  return [error, description].every((each) => typeof each === 'string' && printable.test(each)) && sameKeys(more, []);
}
const sameKeys = (object: object, keys: readonly string[]) => Object.keys(object).join() === keys.join();

/** Sends a bad request to every endpoint. @param bodyOf makes it of a right form */
async function refusedEverywhere(
  t: Test,
  bodyOf: (form: Record<string, string>) => { body: string; type?: string },
  expected: { status: number; error: string },
) {
  const before = await state();
  for (const [path, form] of Object.entries(ENDPOINTS)) {
    const { body, type } = bodyOf(form);
    const answer = await postForm(app, path, body, type === undefined ? {} : { 'content-type': type });
    t.match({ status: answer.status, error: answer.body['error'] }, expected, path);
    t.ok(isOfTheRfc(answer.body), `${path}: ${JSON.stringify(answer.body)}`);
    t.match(answer.headers['cache-control'], /no-store/);
  }
  t.same(await state(), before);
}

const encoded = (form: Record<string, string>) => new URLSearchParams(form).toString();
const invalidRequest = { status: 400, error: 'invalid_request' };

t.test('refuses JSON, multipart, text and XML at every endpoint', async (t) => {
  const parts = (form: Record<string, string>) =>
    Object.entries(form)
      .map(([name, value]) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join('');
  await refusedEverywhere(t, (form) => ({ body: JSON.stringify(form), type: 'application/json' }), invalidRequest);
  const multipart = 'multipart/form-data; boundary=x';
  await refusedEverywhere(t, (form) => ({ body: `${parts(form)}--x--\r\n`, type: multipart }), invalidRequest);
  await refusedEverywhere(t, (form) => ({ body: encoded(form), type: 'text/plain' }), invalidRequest);
  await refusedEverywhere(t, () => ({ body: '<a/>', type: 'application/xml' }), invalidRequest);
});

t.test('refuses a parameter of 100 KB at every endpoint', async (t) => {
  const tooLarge = { status: 413, error: 'invalid_request' };
  await refusedEverywhere(t, (form) => ({ body: encoded({ ...form, extra: LARGE }) }), tooLarge);
  await refusedEverywhere(t, (form) => ({ body: `${encoded(form)}&${LARGE}=x` }), tooLarge);
});

t.test('refuses each repeated parameter, and names of Object.prototype twice', async (t) => {
  for (const [path, form] of Object.entries(ENDPOINTS)) {
    const before = await state();
    for (const name of [...Object.keys(form), '__proto__', 'constructor', 'toString']) {
      const body = `${encoded(form)}&${name}=a&${name}=b`;
      const answer = await postForm(app, path, body);
      t.match({ status: answer.status, error: answer.body['error'] }, invalidRequest, `${path} ${name}`);
    }
    t.same(await state(), before);
  }
});

t.test('refuses a NUL in any parameter', async (t) => {
  await refusedEverywhere(t, (form) => ({ body: encoded({ ...form, extra: 'a\0b' }) }), invalidRequest);
});

t.test('answers odd values of each parameter without a server error, and changes nothing', async (t) => {
  const odd = ['', ' ', '%', '\ud800', '%FF%FE', "' or 1=1 --", '../../etc', '{}', '[object Object]', 'é'.repeat(500)];
  const before = await state();
  for (const [path, form] of Object.entries(ENDPOINTS))
    for (const name of Object.keys(form))
      for (const value of odd) {
        const answer = await postForm(app, path, { ...form, [name]: value });
        // Revocation answers 200 for every token, and introspection that it is not active.
        const isUnknown = answer.status === 200 && ['{}', '{"active":false}'].includes(JSON.stringify(answer.body));
        const isRefused = answer.status >= 400 && answer.status < 500;
        t.ok(isUnknown || isRefused, `${path} ${name}=${JSON.stringify(value)}: ${answer.status}`);
      }
  t.same(await state(), before);
});

t.test('ignores a parameter that is named like a member of Object.prototype', async (t) => {
  const extra = '&__proto__=x&constructor=x&hasOwnProperty=x&get=x&scope=';
  const { status, body } = await postForm(
    app,
    '/oauth/token',
    `${encoded({ ...FORM, grant_type: 'client_credentials' })}${extra}`,
  );
  t.match({ status, scope: body['scope'] }, { status: 200, scope: 'read:content' });
  t.equal(({} as Record<string, unknown>)['get'], undefined);
});

t.test('refuses empty and meaningless bodies', async (t) => {
  for (const body of ['', '&&&', '=', 'a', '='.repeat(1000)])
    for (const path of Object.keys(ENDPOINTS)) {
      const { status } = await postForm(app, path, body);
      t.ok(status === 400 || status === 401, `${path} ${body.slice(0, 9)}: ${status}`);
    }
});

t.test('refuses bad bodies at every page with a form, and changes nothing', async (t) => {
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(seeded, { prompt: 'consent' }));
  const login = { ...browser.hidden(), ...credentialsOf(user) };
  const waiting = browser.hidden();
  const before = await state();
  const forms: Readonly<Record<string, Record<string, string>>> = {
    '/oauth/login': login,
    '/oauth/login/passkey': waiting,
    '/oauth/consent': { ...waiting, decision: 'allow' },
    '/oauth/logout': { search: '', key: 'x' },
    '/device': { key: 'x', user_code: 'BCDF-GHJK' },
  };
  for (const [path, form] of Object.entries(forms)) {
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
      const body = type === 'application/json' ? JSON.stringify(form) : encoded(form);
      t.match(await browser.post(path, body, { 'content-type': type }), { status: 400 }, `${path} ${type}`);
    }
    t.match(await browser.post(path, { ...form, extra: LARGE }), { status: 400 }, `${path} 100 KB`);
    const odd = await browser.post(path, '__proto__=x&constructor=x&request=__proto__&key=__proto__&search=__proto__');
    t.ok(odd.status === 400 || odd.status === 403, `${path} ${odd.status}`);
    const nul = await browser.post(path, { ...form, request: 'a\0b', key: '\0' });
    t.ok(nul.status === 400 || nul.status === 403, `${path} ${nul.status}`);
  }
  t.same(await state(), before);
});
