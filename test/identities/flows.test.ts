/** The way of a browser to a provider and back: what it is bound to, and how it fails. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { identityFlows } from '../../src/db/schema/index.js';
import { IdentityProviderError } from '../../src/identities/provider.js';
import {
  comeBack,
  FINISH,
  flowBrowser,
  goToProvider,
  newPerson,
  RETURN_TO,
  START,
  startIdentityApp,
} from '../helpers/identities.js';
import { codeChallenge, VERIFIER } from '../helpers/pkce.js';

const app = await startIdentityApp(t);
const start = (input: object) =>
  app
    .client()
    .send(START, { input: { provider: 'idp', returnTo: RETURN_TO, codeChallenge: codeChallenge(), ...input } });

t.test('goes to the provider and returns to the client with a code', async (t) => {
  app.provider.person = newPerson();
  const { data } = await start({ returnTo: `${RETURN_TO}?tab=1` });
  const { url, expiresAt } = data!['startIdentityLogin'];
  t.match(url, /^http:\/\/auth\.test\/identities\/start\?flow=[\w-]{43}$/);
  t.equal(Date.parse(expiresAt), app.clock.now() + 600_000);
  const browser = flowBrowser(app.server);
  const there = await browser.get(url);
  t.equal(there.status, 303);
  t.match(Object.fromEntries(there.location!.searchParams), {
    redirect_uri: 'http://auth.test/identities/callback/idp',
    state: /^[\w-]{43}$/,
  });
  const state = there.location!.searchParams.get('state')!;
  const back = await comeBack(browser, state);
  t.equal(back.status, 303);
  t.match(back.location!.href, /^https:\/\/app\.test\/welcome\?tab=1&code=[\w-]{43}$/);
  t.match(app.provider.callbacks.at(-1), {
    state,
    redirectUri: 'http://auth.test/identities/callback/idp',
    parameters: { nonce: `nonce of ${state}` },
  });
});

t.test('stores only hashes, and forgets the parameters of the provider', async (t) => {
  app.provider.person = newPerson();
  const { browser, state, start } = await goToProvider(app);
  const rows = JSON.stringify(await app.db.executor.select().from(identityFlows));
  for (const secret of [start.split('=')[1]!, [...browser.cookies.values()][0]!]) t.notMatch(rows, secret);
  const code = (await comeBack(browser, state)).location!.searchParams.get('code')!;
  const [row] = await app.db.executor.select().from(identityFlows).where(eq(identityFlows.returnTo, RETURN_TO));
  t.match(row, { stateHash: null, parameters: null });
  t.notMatch(JSON.stringify(row), code);
});

t.test('refuses what it cannot start', async (t) => {
  const refused: [object, string][] = [
    [{ provider: 'unknown' }, 'provider'],
    [{ provider: '__proto__' }, 'provider'],
    [{ returnTo: 'https://evil.test/' }, 'returnTo'],
    [{ codeChallenge: VERIFIER.slice(1) }, 'codeChallenge'],
    [{ codeChallenge: '' }, 'codeChallenge'],
  ];
  for (const [input, field] of refused) {
    const { code, errors } = await start(input);
    t.same([code, errors[0]?.extensions.details?.[0]?.field], ['VALIDATION_ERROR', field], JSON.stringify(input));
  }
});

t.test('belongs to the browser that opened it', async (t) => {
  app.provider.person = newPerson();
  const { browser, state, start } = await goToProvider(app);
  const stranger = flowBrowser(app.server);
  t.match(await stranger.get(start), { status: 403, body: /belongs to another browser/ });
  t.match(await comeBack(stranger, state), { status: 403, body: /belongs to another browser/ });
  const own = await goToProvider(app, 'idp', stranger);
  t.match(await comeBack(stranger, state), { status: 403 }, 'its cookie for another flow does not help');
  t.equal((await comeBack(stranger, own.state)).status, 303);
  t.equal((await comeBack(browser, state)).status, 303, 'nothing of this used the state up');
});

t.test('lets the same browser start again until it came back', async (t) => {
  app.provider.person = newPerson();
  const { browser, state, start } = await goToProvider(app);
  const again = await browser.get(start);
  const next = again.location!.searchParams.get('state')!;
  t.match(await comeBack(browser, state), { status: 400 }, 'the earlier state is replaced');
  t.equal((await comeBack(browser, next)).status, 303);
  t.match(await browser.get(start), { status: 400, body: /no longer valid/ }, 'the back button');
  t.match(await comeBack(browser, next), { status: 400, body: /no longer valid/ }, 'a reload of the callback');
});

t.test('asks the provider nothing for a browser that may not go there', async (t) => {
  app.provider.person = newPerson();
  const { browser, state, start } = await goToProvider(app);
  app.provider.startError = new IdentityProviderError('failed', 'down');
  t.teardown(() => void (app.provider.startError = undefined));
  t.equal((await flowBrowser(app.server).get(start)).status, 403, 'another browser');
  const code = (await comeBack(browser, state)).location!.searchParams.get('code');
  t.equal((await browser.get(start)).status, 400, 'the back button');
  const finished = await app.client().send(FINISH, { input: { code, codeVerifier: VERIFIER } });
  t.equal(finished.code, undefined, 'neither ended the flow');
});

t.test('takes one of five callbacks at once', async (t) => {
  app.provider.person = newPerson();
  const { browser, state } = await goToProvider(app);
  const before = app.provider.callbacks.length;
  const statuses = await Promise.all([1, 2, 3, 4, 5].map(async () => (await comeBack(browser, state)).status));
  t.same(statuses.sort(), [303, 400, 400, 400, 400]);
  t.equal(app.provider.callbacks.length, before + 1);
});

t.test('refuses the callback of another provider, repeated and malformed states', async (t) => {
  app.provider.person = newPerson();
  const { browser, state } = await goToProvider(app);
  const before = app.provider.callbacks.length + app.other.callbacks.length;
  const queries = [
    `other?code=x&state=${state}`,
    `unknown?code=x&state=${state}`,
    `idp?code=x&state=${state}&state=${state}`,
    'idp?code=x&state=',
    'idp?code=x',
    'idp',
    `idp?code=x&state=${state}%00`,
    `idp?code=x&state=${'x'.repeat(43)}`,
  ];
  for (const query of queries) t.equal((await browser.get(`/identities/callback/${query}`)).status, 400, query);
  t.equal(app.provider.callbacks.length + app.other.callbacks.length, before, 'no provider was asked');
  t.equal((await comeBack(browser, state)).status, 303);
});

t.test('expires', async (t) => {
  const { browser, state, start } = await goToProvider(app);
  app.clock.advance(600_001);
  t.equal((await comeBack(browser, state)).status, 400);
  t.equal((await browser.get(start)).status, 400);
  t.equal((await browser.get('/identities/start?flow=x')).status, 400);
  t.equal((await browser.get('/identities/start')).status, 400);
  t.equal((await browser.get('/identities/start?flow=a&flow=b')).status, 400);
});

t.test('returns to the client with an error', async (t) => {
  const failures = [
    ['denied', 'access_denied'],
    ['not_allowed', 'access_denied'],
    ['failed', 'IDENTITY_PROVIDER_ERROR'],
  ] as const;
  for (const [failure, error] of failures) {
    app.provider.person = new IdentityProviderError(failure, 'for the log');
    const { browser, state } = await goToProvider(app);
    const back = await comeBack(browser, state, 'idp', 'secret-of-the-provider');
    t.equal(back.location!.searchParams.get('error'), error);
    t.ok(back.location!.searchParams.get('error_description'));
    t.equal((await comeBack(browser, state)).status, 400);
  }
  const lines = JSON.stringify(app.logs);
  t.match(lines, /for the log/);
  t.notMatch(lines, /secret-of-the-provider/);
  app.provider.startError = new IdentityProviderError('failed', 'down');
  const { data } = await start({});
  const { location } = await flowBrowser(app.server).get(data!['startIdentityLogin'].url as string);
  t.equal(location!.searchParams.get('error'), 'IDENTITY_PROVIDER_ERROR');
  app.provider.startError = undefined;
});

t.test('a malformed subject is an error of the provider', async (t) => {
  for (const subject of ['', 'x'.repeat(256), 'a\0b', 'ä']) {
    app.provider.person = newPerson({ subject });
    const { browser, state } = await goToProvider(app);
    const back = await comeBack(browser, state);
    t.equal(back.location!.searchParams.get('error'), 'IDENTITY_PROVIDER_ERROR');
  }
});

t.test('an unexpected error of a provider gives nothing away', async (t) => {
  app.provider.person = newPerson();
  const { browser, state } = await goToProvider(app);
  const finish = app.provider.finish.bind(app.provider);
  Object.assign(app.provider, { finish: () => Promise.reject(new TypeError('a secret')) });
  const failed = await comeBack(browser, state);
  t.equal(failed.status, 500);
  t.notMatch(failed.body, /secret/);
  Object.assign(app.provider, { finish });
});

t.test('a posted callback comes back with the cookie', async (t) => {
  app.posting.person = newPerson();
  const { browser, state } = await goToProvider(app, 'posting');
  const posted = await browser.post('/identities/callback/posting', { code: 'posted', state, user: '{"name":"Ada"}' });
  t.equal(posted.status, 303);
  t.equal(posted.location!.origin, 'http://auth.test');
  const back = await browser.get(posted.location!.href);
  t.match(back.location!.href, /^https:\/\/app\.test\/welcome\?code=/);
  t.equal(app.posting.callbacks.at(-1)!.url.searchParams.get('user'), '{"name":"Ada"}');
  t.equal((await browser.post('/identities/callback/idp', { code: 'x', state })).status, 404, 'only if it posts');
});

t.test('HEAD consumes nothing', async (t) => {
  app.provider.person = newPerson();
  const { browser, state } = await goToProvider(app);
  const url = `/identities/callback/idp?code=x&state=${state}`;
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  t.equal((await app.server.inject({ method: 'HEAD', url, headers: { cookie } })).statusCode, 404);
  t.equal((await comeBack(browser, state)).status, 303);
});

t.test('the code is of no use to another client', async (t) => {
  app.provider.person = newPerson();
  const { browser, state } = await goToProvider(app);
  const code = (await comeBack(browser, state)).location!.searchParams.get('code')!;
  const other = 'another-verifier-with-forty-three-characters';
  const stolen = await app.client().send(FINISH, { input: { code, codeVerifier: other } });
  t.equal(stolen.code, 'INVALID_CODE');
});

t.test('the cookie is not for scripts or other sites', async (t) => {
  const { data } = await start({});
  const { search } = new URL(data!['startIdentityLogin'].url as string);
  const { headers } = await app.server.inject({ url: `/identities/start${search}` });
  t.match(headers['set-cookie'], /^latchkey-identity=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
  t.equal(headers['cache-control'], 'no-store');
  t.equal(headers['referrer-policy'], 'no-referrer');
});
