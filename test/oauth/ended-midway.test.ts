/** An account or a client is disabled or deleted before each step of a sign-in: no step gives anything from then on. */
import t from 'tap';
import { and, eq, isNull } from 'drizzle-orm';
import { sessions } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { seedClient, type SeededClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm, withSecret, type OAuthAnswer } from '../helpers/oauth-requests.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf, type Shown } from '../helpers/oauth-browser.js';
import { registerAdmin, type SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m', RATE_LIMIT_AUTHENTICATED: '100000/1m' });
const admin = await registerAdmin(app);
const run = async (document: string, id: string) => {
  const { errors } = await admin.client.send(`mutation ($id: ID!) { ${document} }`, { id });
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
};

interface Ending {
  readonly of: 'client' | 'account';
  end(user: SeededUser, seeded: SeededClient): Promise<void>;
  /** Undoes it, if that is possible. */
  undo?(user: SeededUser, seeded: SeededClient): Promise<void>;
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  'the client is disabled': {
    of: 'client',
    end: (_, { client }) => run('updateOAuthClient(id: $id, input: { disabled: true }) { id }', client.id),
    undo: (_, { client }) => run('updateOAuthClient(id: $id, input: { disabled: false }) { id }', client.id),
  },
  'the client is deleted': { of: 'client', end: (_, { client }) => run('deleteOAuthClient(id: $id)', client.id) },
  'the account is disabled': {
    of: 'account',
    end: ({ id }) => run('updateUser(id: $id, input: { disabled: true }) { id }', id),
    undo: ({ id }) => run('updateUser(id: $id, input: { disabled: false }) { id }', id),
  },
  'the account is deleted': {
    of: 'account',
    end: ({ id }) => run('deleteUser(id: $id)', id),
    undo: ({ id }) => run('restoreUser(id: $id) { id }', id),
  },
};

/** The steps, with what they answer after the end of the client or account. */
async function prepare() {
  const user = await app.user();
  const seeded = await seedClient(app);
  const browser = oauthBrowser(app.server);
  let tokens: Record<string, string> = {};
  let code = '';
  const notHere = { status: 400, left: undefined, body: /not known here/ };
  const page = (shown: Shown) => shown;
  const json = ({ status, body }: OAuthAnswer) => ({ status, body });
  const noClient = { status: 401, body: { error: 'invalid_client' } };
  const noGrant = { status: 400, body: { error: 'invalid_grant' } };
  const introspect = (token: string) => postForm(app, '/oauth/introspect', { ...withSecret(seeded), token });
  const steps = [
    {
      name: 'the authorization request',
      run: async () => page(await browser.open(authorizeUrl(seeded))),
      // It says nothing about accounts before somebody signs in.
      refused: { client: notHere, account: { status: 200, path: '/oauth/login' } },
    },
    {
      name: 'the login',
      run: async () => page(await browser.submit(credentialsOf(user))),
      // Disabling a client voids the requests that wait.
      refused: {
        client: { status: 400, left: undefined },
        account: { path: '/oauth/login', left: undefined, body: /role="alert"/ },
      },
    },
    {
      name: 'the consent',
      async run() {
        const shown = await browser.submit({ decision: 'allow' });
        code = responseOf(shown)['code'] ?? '';
        return page(shown);
      },
      refused: { client: { status: 400, left: undefined }, account: { status: 403, left: undefined } },
    },
    {
      name: 'the exchange',
      async run() {
        const answer = await postForm(app, '/oauth/token', exchangeForm(seeded, code));
        tokens = answer.body;
        return json(answer);
      },
      refused: { client: noClient, account: noGrant },
    },
    {
      name: 'the introspection of the access token',
      run: async () => json(await introspect(tokens['access_token']!)),
      refused: { client: noClient, account: { status: 200, body: { active: false } } },
    },
    {
      name: 'a request to the API',
      run: async () => (await app.client().send('{ me { id } }', {}, { token: tokens['access_token'] })).code,
      refused: { client: 'INVALID_TOKEN', account: /^(ACCOUNT_DISABLED|USER_NOT_FOUND)$/ },
    },
    {
      name: 'the refresh',
      run: async () => json(await postForm(app, '/oauth/token', refreshForm(seeded, tokens['refresh_token']!))),
      refused: { client: noClient, account: noGrant },
    },
  ];
  return { user, seeded, steps };
}

for (const [what, { of, end, undo }] of Object.entries(ENDINGS))
  t.test(`${what} before each step`, async (t) => {
    const { length } = (await prepare()).steps;
    for (let at = 0; at < length; at += 1) {
      const { user, seeded, steps } = await prepare();
      for (const step of steps.slice(0, at)) await step.run();
      await end(user, seeded);
      const { name, run: step, refused } = steps[at]!;
      t.match(await step(), refused[of], name);
      const live = and(eq(sessions.userId, user.id), eq(sessions.clientId, seeded.client.id), isNull(sessions.endedAt));
      t.equal(await app.db.executor.$count(sessions, live), 0, `${name}: no live grant`);
      await undo?.(user, seeded);
      // A grant that has ended stays ended, and a code stays void.
      if (undo && at >= 3)
        t.notMatch(await step(), { status: 200, body: { access_token: String } }, `${name}, afterwards`);
      t.equal(await app.db.executor.$count(sessions, live), 0);
    }
  });
