/** Plex that is down, slow or answers nonsense, and the secrecy of its tokens. */
import { inspect } from 'node:util';
import t from 'tap';
import { NONSENSE, SERVER, type PlexRoute } from '../../helpers/plex.js';
import { errorOf, failureOf, PROFILE, REDIRECT_URI, setUpPlex, STATE } from '../../helpers/plex-provider.js';

const SERVER_ID = SERVER.clientIdentifier;
const routes: readonly PlexRoute[] = ['POST pins', 'GET pins', 'GET user', 'GET resources'];

t.test('fails for every answer that says nothing, and succeeds when Plex is back', async (t) => {
  const { plex, signIn } = await setUpPlex(t, { serverId: SERVER_ID });
  for (const route of routes) {
    for (const [name, misbehaviour] of Object.entries(NONSENSE)) {
      plex.misbehave(route, misbehaviour);
      t.equal(await failureOf(signIn()), 'failed', `${route}: ${name}`);
      plex.behave();
    }
    t.same(await signIn(), PROFILE);
  }
});

t.test('fails if Plex refuses the token that it has just issued', async (t) => {
  const { signIn } = await setUpPlex(t);
  t.equal(await failureOf(signIn('not-a-token-of-plex')), 'failed');
});

t.test('fails if Plex cannot be reached', async (t) => {
  const { provider } = await setUpPlex(t, { fetch: () => Promise.reject(new TypeError('fetch failed')) });
  t.match(await errorOf(provider.start(REDIRECT_URI, STATE)), {
    failure: 'failed',
    cause: new TypeError('fetch failed'),
  });
});

t.test('ends at its deadline when Plex stalls', async (t) => {
  const { plex, signIn } = await setUpPlex(t, { serverId: SERVER_ID, timeoutMs: 7000 });
  let controller = new AbortController();
  let operations = 0;
  // No time passes: the test ends the operation, and the deadlines of single requests never do.
  t.intercept(AbortSignal, 'timeout', {
    value: (ms: number) => {
      const created = new AbortController();
      if (ms === 7000) {
        controller = created;
        operations += 1;
      }
      return created.signal;
    },
  });
  await signIn();
  t.equal(operations, 2, 'the start and the finish have one deadline each');
  for (const route of routes) {
    for (const begin of ['before', 'within'] as const) {
      plex.misbehave(route, (response, body) => {
        if (begin === 'before') controller.abort();
        else response.write(JSON.stringify(body).slice(0, 10), () => controller.abort());
      });
      t.equal(await failureOf(signIn()), 'failed', `${route}: ${begin} the answer`);
      plex.behave();
    }
  }
});

t.test('errors contain neither tokens nor what Plex answered', async (t) => {
  const { plex, signIn, provider } = await setUpPlex(t, { serverId: SERVER_ID });
  const shown: string[] = [];
  for (const route of routes) {
    for (const misbehaviour of Object.values(NONSENSE)) {
      const token = plex.login();
      plex.misbehave(route, misbehaviour);
      const errors = [await errorOf(signIn(token))];
      if (route === 'GET user' || route === 'GET resources')
        errors.push(await errorOf(provider.verifyPlexToken(token)));
      plex.behave();
      const text = inspect(errors, { depth: 20, showHidden: true });
      if ([token, 'Maintenance', 'ada.plex', 'rate limit exceeded'].some((secret) => text.includes(secret)))
        shown.push(text);
    }
  }
  t.same(shown, []);
});

t.test('sends the token in a header, to the routes that need it only', async (t) => {
  const { plex, signIn } = await setUpPlex(t, { serverId: SERVER_ID });
  const token = plex.login();
  await signIn(token);
  t.notOk(plex.requests.some(({ route }) => route.includes(token)));
  t.same(
    plex.requests.filter(({ headers }) => headers['x-plex-token'] === token).map(({ route }) => route),
    ['GET /api/v2/user', 'GET /api/v2/resources'],
  );
});
