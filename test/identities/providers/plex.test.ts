/** Sign-in with a PIN of Plex, against the stand-in for plex.tv. */
import { inspect } from 'node:util';
import t from 'tap';
import { changed, SERVER } from '../../helpers/plex.js';
import { errorOf, failureOf, PROFILE, REDIRECT_URI, setUpPlex, STATE } from '../../helpers/plex-provider.js';

t.test('makes a strong PIN and names the installation to Plex', async (t) => {
  const { plex, provider } = await setUpPlex(t);
  await provider.start(REDIRECT_URI, STATE);
  t.same(
    plex.requests.map(({ route }) => route),
    ['POST /api/v2/pins?strong=true'],
  );
  t.match(plex.requests[0]!.headers, {
    'x-plex-client-identifier': 'latchkey-1',
    // Headers are ASCII.
    'x-plex-product': 'Ada?s Cinema & Co + 1',
  });
});

t.test('leads the browser to app.plex.tv and back with the state', async (t) => {
  const { plex, provider, clock } = await setUpPlex(t);
  const now = clock.now();
  const { url, parameters } = await provider.start(`${REDIRECT_URI}?a=1`, 'a state&b');
  const [page, fragment = ''] = url.split('#?');
  t.equal(page, 'https://app.plex.tv/auth');
  t.notMatch(fragment, /\+/, 'a plus sign is not a space in a fragment');
  const { code, ...shown } = Object.fromEntries(new URLSearchParams(fragment));
  t.same(shown, {
    clientID: 'latchkey-1',
    forwardUrl: `${REDIRECT_URI}?a=1&state=a+state%26b`,
    'context[device][product]': 'Ada’s Cinema & Co + 1',
  });
  t.match(code, /^\w{25}$/);
  t.same(Object.keys(parameters), ['pinId', 'expiresAt']);
  t.equal(Math.round((Date.parse(parameters['expiresAt']!) - now) / 60_000), 30, 'the expiry is that of the answer');
  t.equal(plex.signIn(url), shown['forwardUrl']);
});

t.test('identifies the account that claimed the PIN', async (t) => {
  const { plex, signIn, waits } = await setUpPlex(t);
  t.same(await signIn(), PROFILE);
  t.same(waits, [], 'a claimed PIN needs one poll');
  t.same(
    plex.requests.map(({ route }) => route.replace(/\d{2,}$/, 'N')),
    ['POST /api/v2/pins?strong=true', 'GET /api/v2/pins/N', 'GET /api/v2/user'],
  );
});

t.test('polls once a second, three times at most', async (t) => {
  const { plex, signIn, waits } = await setUpPlex(t);
  t.same(await signIn(undefined, 2), PROFILE);
  t.same(waits, [1000, 1000]);
  plex.requests.length = 0;
  t.equal(await failureOf(signIn(undefined, 3)), 'denied');
  t.equal(plex.requests.filter(({ route }) => route.startsWith('GET /api/v2/pins/')).length, 3);
  t.notOk(plex.requests.some(({ route }) => route === 'GET /api/v2/user'));
});

t.test('a person who goes back without signing in has declined', async (t) => {
  const { signIn } = await setUpPlex(t);
  const error = await errorOf(signIn(null));
  t.equal(error.failure, 'denied');
  t.match(error.message, /without signing in/);
});

t.test('refuses a PIN after the expiry of the answer, without a request', async (t) => {
  const { clock, plex, provider, finish } = await setUpPlex(t);
  const expiries: [object, number][] = [
    [{ expiresIn: 60 }, 60_000],
    [{ expiresAt: new Date(clock.now() + 60_000).toISOString() }, 60_000],
    [{ expiresIn: 900, expiresAt: new Date(clock.now() + 60_000).toISOString() }, 60_000],
    [{ expiresIn: 60, expiresAt: new Date(clock.now() + 900_000).toISOString() }, 60_000],
  ];
  for (const [expiry, ms] of expiries) {
    plex.misbehave('POST pins', changed({ expiresIn: undefined, expiresAt: undefined, ...expiry }));
    const now = clock.now();
    const started = await provider.start(REDIRECT_URI, STATE);
    t.equal(Date.parse(started.parameters['expiresAt']!) - now, ms, inspect(expiry));
    plex.signIn(started.url);
    plex.requests.length = 0;
    clock.advance(ms);
    t.match(await errorOf(finish(started)), { failure: 'failed', message: /expired/ });
    t.same(plex.requests, []);
    clock.advance(-ms);
  }
});

t.test('stops polling when the PIN expires', async (t) => {
  const { clock, plex, provider, finish } = await setUpPlex(t);
  const started = await provider.start(REDIRECT_URI, STATE);
  clock.advance(Date.parse(started.parameters['expiresAt']!) - clock.now() - 500);
  t.equal(await failureOf(finish(started)), 'failed');
  t.equal(plex.requests.length, 2);
});

t.test('fails if the new PIN is malformed', async (t) => {
  const { plex, provider } = await setUpPlex(t);
  const faults: Readonly<Record<string, unknown>>[] = [
    { id: '1234567890' },
    { id: '../user' },
    { id: null },
    { id: 1.5 },
    { id: -1 },
    { id: 1e21 },
    { id: { toString: 1 } },
    { clientIdentifier: 'another-application' },
    { code: null },
    { code: '' },
    { code: 25 },
    { code: 'a&clientID=other' },
    { code: 'a'.repeat(101) },
    { expiresIn: null, expiresAt: null },
    { expiresIn: 'soon', expiresAt: 'tomorrow' },
    { expiresIn: 1e300, expiresAt: null },
  ];
  for (const fault of faults) {
    plex.misbehave('POST pins', changed(fault));
    t.equal(await failureOf(provider.start(REDIRECT_URI, STATE)), 'failed', inspect(fault));
  }
});

t.test('fails if the answer is about another PIN, another application, or has a malformed token', async (t) => {
  const { plex, signIn } = await setUpPlex(t);
  const faults: Readonly<Record<string, unknown>>[] = [
    { id: 1 },
    { clientIdentifier: 'another-application' },
    { clientIdentifier: '' },
    { authToken: 1 },
    { authToken: 'a token' },
    { authToken: 'a\r\nx-plex-client-identifier: other' },
    { authToken: { token: plex.login() } },
    { authToken: [plex.login()] },
  ];
  for (const fault of faults) {
    plex.misbehave('GET pins', changed(fault));
    t.equal(await failureOf(signIn()), 'failed', inspect(fault));
  }
  t.notOk(plex.requests.some(({ route }) => route === 'GET /api/v2/user'));
});

t.test('fails for a PIN that another client identifier made', async (t) => {
  const { plex, create, finish } = await setUpPlex(t);
  const started = await create({ clientIdentifier: 'another' }).start(REDIRECT_URI, STATE);
  plex.signIn(started.url);
  t.equal(await failureOf(finish(started)), 'failed');
});

t.test('fails without the parameters of the start, without a request', async (t) => {
  const { plex, finish } = await setUpPlex(t);
  for (const parameters of [{}, { pinId: '1' }, { expiresAt: '2100-01-01T00:00:00Z' }, { pinId: '1', expiresAt: '' }])
    t.equal(await failureOf(finish({ parameters })), 'failed', inspect(parameters));
  t.same(plex.requests, []);
});

t.test('keeps the identities of a stand-in apart from those of plex.tv', async (t) => {
  const { plex, create, finish } = await setUpPlex(t);
  const provider = create({
    issuer: plex.url,
    serverId: SERVER.clientIdentifier,
    async fetch(address, request) {
      t.equal(new URL(address).origin, plex.url);
      return plex.fetch(address, request);
    },
  });
  const started = await provider.start(REDIRECT_URI, STATE);
  plex.signIn(started.url);
  t.same(await finish(started, provider), { ...PROFILE, issuer: plex.url });
});

t.test('takes the origin of the issuer as the address of the API', async (t) => {
  const { plex, create } = await setUpPlex(t);
  const provider = create({ issuer: 'https://plex.tv/', serverId: SERVER.clientIdentifier });
  t.match(await provider.verifyPlexToken(plex.login()), { issuer: 'https://plex.tv/', subject: '23248710' });
});
