/**
 * The database is lost at each operation of each step of OAuth. The answer is the RFC's, says no more, and the flow goes on
 * afterwards: what was not acknowledged is repeated or refused, and nothing that was acknowledged is lost.
 */
import t, { type Test } from 'tap';
import { and, eq, isNull } from 'drizzle-orm';
import { sessions } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { createKey, sendWithKey } from '../helpers/api-keys.js';
import { openTestDatabase } from '../helpers/database.js';
import { DEVICE_CODE } from '../helpers/device-codes.js';
import { failingDatabase } from '../helpers/failing-database.js';
import { seedClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm, withSecret, type OAuthAnswer } from '../helpers/oauth-requests.js';
import { seedServiceAccount } from '../helpers/oauth-grants.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf, type Shown } from '../helpers/oauth-browser.js';
import { ME, PASSWORD } from '../helpers/seed.js';

const { db, loseAt } = failingDatabase(await openTestDatabase(t));
const HIGH = '100000/1m';
const limits = { RATE_LIMIT_ANONYMOUS: HIGH, RATE_LIMIT_AUTHENTICATED: HIGH, RATE_LIMIT_FIELDS: `login=${HIGH}` };
const app = await startTestApp(t, { ...limits, OAUTH_REGISTRATION: 'open' }, db);
const user = await app.user();
const serviceAccountId = await seedServiceAccount(app);
const seeded = await seedClient(app, {
  grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'DEVICE_CODE', 'CLIENT_CREDENTIALS'],
  serviceAccountId,
});
const { client } = seeded;
const FORM = withSecret(seeded);
const post = (path: string, form: Record<string, string>) => postForm(app, path, { ...FORM, ...form });
const exchange = (code: string) => postForm(app, '/oauth/token', exchangeForm(seeded, code));
const refresh = (token: string) => postForm(app, '/oauth/token', refreshForm(seeded, token));

/** A step with everything before it done. */
interface Step<T> {
  run(): Promise<T>;
  /** Whether the answer is that of a step without a failure. */
  isDone(answer: T): boolean;
  /** After the database is there again: the flow goes on from what `run` answered. */
  goOn(t: Test): Promise<unknown>;
}

/** Loses the database at the first operation of a step, at the second one, and so on, each time with a new step. */
async function atEachOperation<T>(t: Test, setUp: () => Promise<Step<T>>, refused: (t: Test, answer: T) => void) {
  for (let at = 1; ; at += 1) {
    const step = await setUp();
    const { result, happened } = await loseAt(at, step.run);
    // What follows an answer, such as the record of the last use, may fail without notice.
    if (!happened || step.isDone(result)) t.ok(step.isDone(result), `done, operation ${at}`);
    else refused(t, result);
    await step.goOn(t);
    if (!happened) return t.comment(`${at - 1} operations`);
  }
}

function refusedAsJson(t: Test, { status, headers, body }: OAuthAnswer): void {
  t.match({ status, retryAfter: headers['retry-after'] }, { status: 503, retryAfter: '1' });
  t.equal(headers['cache-control'], 'no-store');
  const error_description = 'The service is not available; try again later.';
  t.same(body, { error: 'temporarily_unavailable', error_description });
}

/** An error page, or the error in a response to the client. */
function refusedAsPage(t: Test, shown: Shown): void {
  if (shown.left) {
    const error_description = 'The service is not available; try again later.';
    const response = { error: 'temporarily_unavailable', error_description, state: 'a state', iss: 'http://auth.test' };
    t.same(responseOf(shown), response);
    return;
  }
  t.match(shown, { status: 503, headers: { 'retry-after': '1', 'content-type': /^text\/html/ } });
  t.notMatch(shown.body, /insert into|select "|update "|oauth_|:\d+:\d+/);
}

/** A browser at the login form of a request. */
async function atLogin() {
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(seeded, { prompt: 'consent' }));
  return browser;
}
async function atConsent() {
  const browser = await atLogin();
  await browser.submit(credentialsOf(user));
  return browser;
}
async function newCode() {
  const browser = await atConsent();
  return { browser, code: responseOf(await browser.submit({ decision: 'allow' }))['code']! };
}
async function newGrant() {
  const { code } = await newCode();
  return (await exchange(code)).body as Record<'access_token' | 'refresh_token', string>;
}
const liveGrants = () =>
  db.executor
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, user.id), eq(sessions.clientId, client.id), isNull(sessions.endedAt)));

const PAGES: Readonly<Record<string, () => Promise<Step<Shown>>>> = {
  'the authorization endpoint': async () => {
    const browser = oauthBrowser(app.server);
    const run = () => browser.open(authorizeUrl(seeded));
    const isDone = ({ status, path }: Shown) => status === 200 && path === '/oauth/login';
    return { run, isDone, goOn: async (t) => t.ok(isDone(await run())) };
  },
  'an authorization request with prompt=none': async () => {
    const browser = await atConsent();
    await browser.submit({ decision: 'allow' });
    const run = () => browser.open(authorizeUrl(seeded, { prompt: 'none' }));
    const isDone = (shown: Shown) => 'code' in responseOf(shown);
    return { run, isDone, goOn: async (t) => t.ok(isDone(await run())) };
  },
  'the login page': async () => {
    const browser = oauthBrowser(app.server);
    const { headers } = await app.server.inject(authorizeUrl(seeded));
    browser.jar.set('latchkey-browser', /latchkey-browser=([^;]*)/.exec(String(headers['set-cookie']))![1]!);
    const run = () => browser.open(String(headers.location));
    const isDone = ({ status, body }: Shown) => status === 200 && body.includes('name="identifier"');
    return { run, isDone, goOn: async (t) => t.ok(isDone(await run())) };
  },
  'the login form': async () => {
    const browser = await atLogin();
    const fields = { ...browser.hidden(), ...credentialsOf(user) };
    const run = () => browser.post('/oauth/login', fields);
    const isDone = ({ status, path }: Shown) => status === 200 && path === '/oauth/consent';
    return { run, isDone, goOn: async (t) => t.ok(isDone(await run()), 'the same form again') };
  },
  'the consent page': async () => {
    const browser = await atLogin();
    const { request } = browser.hidden();
    await browser.submit(credentialsOf(user));
    const run = () => browser.open(`/oauth/consent?request=${request}`);
    const isDone = ({ status, body }: Shown) => status === 200 && body.includes('name="decision"');
    return { run, isDone, goOn: async (t) => t.ok(isDone(await run())) };
  },
  'the consent form': async () => {
    const browser = await atConsent();
    const fields = { ...browser.hidden(), decision: 'allow' };
    const run = () => browser.post('/oauth/consent', fields);
    const isDone = (shown: Shown) => 'code' in responseOf(shown);
    const goOn = async (t: Test) => {
      let shown = await run();
      // The request is answered: the commit was not lost, or only its answer was. The client begins again.
      if (!isDone(shown)) {
        t.match(shown, { status: 400, body: /no longer valid/ });
        shown = await browser.open(authorizeUrl(seeded));
      }
      t.equal((await exchange(responseOf(shown)['code']!)).status, 200);
    };
    return { run, isDone, goOn };
  },
  'the denial': async () => {
    const browser = await atConsent();
    const fields = { ...browser.hidden(), decision: 'deny' };
    const run = () => browser.post('/oauth/consent', fields);
    const isDone = (shown: Shown) => responseOf(shown)['error'] === 'access_denied';
    const goOn = async (t: Test) => {
      const shown = await run();
      if (!isDone(shown)) t.match(shown, { status: 400, body: /no longer valid/ });
    };
    return { run, isDone, goOn };
  },
  'the page for a device code': async () => {
    const { body } = await post('/oauth/device_authorization', {});
    const browser = oauthBrowser(app.server);
    await browser.open('/device');
    const fields = { ...browser.hidden(), user_code: body['user_code'] as string };
    const run = () => browser.post('/device', fields);
    const isDone = ({ status, path }: Shown) => status === 200 && path === '/oauth/login';
    return { run, isDone, goOn: async (t) => t.ok(isDone(await run())) };
  },
  'the approval of a device': async () => {
    const { body } = await post('/oauth/device_authorization', {});
    const browser = oauthBrowser(app.server);
    await browser.open('/device');
    await browser.submit({ user_code: body['user_code'] as string });
    await browser.submit(credentialsOf(user));
    const fields = { ...browser.hidden(), decision: 'allow' };
    const run = () => browser.post('/device', fields);
    const isDone = (shown: Shown) => shown.body.includes('The device is connected');
    const goOn = async (t: Test) => {
      const shown = await run();
      if (!isDone(shown)) t.match(shown, { status: 400, body: /no longer valid/ });
      const device_code = body['device_code'] as string;
      t.equal((await post('/oauth/token', { grant_type: DEVICE_CODE, device_code })).status, 200, 'approved');
    };
    return { run, isDone, goOn };
  },
  'the logout at the provider': async () => {
    const browser = await atConsent();
    await browser.open('/oauth/logout');
    const fields = browser.hidden();
    const run = () => browser.post('/oauth/logout', fields);
    const isDone = (shown: Shown) => shown.body.includes('You are signed out');
    const goOn = async (t: Test) => {
      await run();
      t.equal((await browser.open(authorizeUrl(seeded))).path, '/oauth/login');
    };
    return { run, isDone, goOn };
  },
};

const isOk = ({ status }: OAuthAnswer) => status === 200;

const ENDPOINTS: Readonly<Record<string, () => Promise<Step<OAuthAnswer>>>> = {
  'a code exchange': async () => {
    const { code, browser } = await newCode();
    const before = new Set((await liveGrants()).map(({ id }) => id));
    const run = () => exchange(code);
    const goOn = async (t: Test) => {
      const repeated = await run();
      const grants = (await liveGrants()).filter(({ id }) => !before.has(id));
      t.equal(grants.length, 1, 'one grant, which the repetition does not end');
      if (isOk(repeated)) return;
      t.match(repeated, { status: 400, body: { error: 'invalid_grant' } });
      const next = responseOf(await browser.open(authorizeUrl(seeded)))['code']!;
      t.equal((await exchange(next)).status, 200, 'the client begins again');
    };
    return { run, isDone: isOk, goOn };
  },
  'a refresh': async () => {
    const { refresh_token: token } = await newGrant();
    const run = () => refresh(token);
    return {
      run,
      isDone: isOk,
      async goOn(t) {
        const { status, body } = await run();
        t.equal(status, 200, 'the repetition gets the successor');
        t.equal((await refresh(body['refresh_token'])).status, 200, 'which works');
      },
    };
  },
  'client credentials': async () => {
    const run = () => post('/oauth/token', { grant_type: 'client_credentials' });
    return { run, isDone: isOk, goOn: async (t) => t.ok(isOk(await run())) };
  },
  'a device authorization request': async () => {
    const run = () => post('/oauth/device_authorization', {});
    return { run, isDone: isOk, goOn: async (t) => t.ok(isOk(await run())) };
  },
  'the poll of a device that waits': async () => {
    const { body } = await post('/oauth/device_authorization', {});
    const device_code = body['device_code'] as string;
    const run = () => post('/oauth/token', { grant_type: DEVICE_CODE, device_code });
    const isDone = (answer: OAuthAnswer) => answer.body['error'] === 'authorization_pending';
    const goOn = async (t: Test) => {
      app.clock.advance(5000);
      t.ok(isDone(await run()));
    };
    return { run, isDone, goOn };
  },
  'an introspection': async () => {
    const { access_token: token } = await newGrant();
    const run = () => post('/oauth/introspect', { token });
    const isDone = (answer: OAuthAnswer) => answer.body['active'] === true;
    return { run, isDone, goOn: async (t) => t.ok(isDone(await run())) };
  },
  'a revocation': async () => {
    const { refresh_token: token } = await newGrant();
    const run = () => post('/oauth/revoke', { token });
    const goOn = async (t: Test) => {
      t.ok(isOk(await run()));
      t.match(await refresh(token), { status: 400, body: { error: 'invalid_grant' } });
    };
    return { run, isDone: isOk, goOn };
  },
  userinfo: async () => {
    const { browser } = await newCode();
    const code = responseOf(await browser.open(authorizeUrl(seeded, { scope: 'openid', prompt: 'consent' })));
    t.same(code, {});
    const allowed = responseOf(await browser.submit({ decision: 'allow' }))['code']!;
    const token = (await exchange(allowed)).body['access_token'] as string;
    const run = () => postForm(app, '/oauth/userinfo', { access_token: token });
    return { run, isDone: isOk, goOn: async (t) => t.match(await run(), { body: { sub: user.id } }) };
  },
};

for (const [name, setUp] of Object.entries(PAGES))
  t.test(`${name}: the database is lost at each operation`, (t) => atEachOperation(t, setUp, refusedAsPage));

for (const [name, setUp] of Object.entries(ENDPOINTS))
  t.test(`${name}: the database is lost at each operation`, (t) => atEachOperation(t, setUp, refusedAsJson));

t.test('a registration: the database is lost at each operation', async (t) => {
  const register = async (): Promise<OAuthAnswer> => {
    const response = await app.server.inject({
      method: 'POST',
      url: '/oauth/register',
      remoteAddress: `198.51.100.${(registrations += 1)}`,
      payload: { redirect_uris: ['https://app.example.com/callback'] },
    });
    return { status: response.statusCode, headers: response.headers, body: response.json() };
  };
  let registrations = 0;
  const isDone = ({ status }: OAuthAnswer) => status === 201;
  const step = { run: register, isDone, goOn: async (t: Test) => t.ok(isDone(await register())) };
  await atEachOperation(t, async () => step, refusedAsJson);
});

t.test('the use of an API key: the database is lost at each operation', async (t) => {
  const { key } = await createKey((await app.user({ password: PASSWORD })).client);
  const run = () => sendWithKey(app.client(), key, ME);
  type Answer = Awaited<ReturnType<typeof run>>;
  const isDone = ({ code }: Answer) => code === undefined;
  const step = { run, isDone, goOn: async (t: Test) => t.ok(isDone(await run())) };
  await atEachOperation(
    t,
    async () => step,
    (t, answer) => t.match(answer, { status: 503, code: 'SERVICE_UNAVAILABLE', headers: { 'retry-after': '1' } }),
  );
});
