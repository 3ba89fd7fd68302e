/** Parallel requests to two instances of one deployment. Whatever comes first, the outcome is one that an order would give. */
import t from 'tap';
import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import { oauthClients, oauthCodes, sessions } from '../../src/db/schema/index.js';
import { createKey, ROTATE_KEY, sendWithKey } from '../helpers/api-keys.js';
import type { TestApp } from '../helpers/app.js';
import { DEVICE_CODE } from '../helpers/device-codes.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm, withSecret } from '../helpers/oauth-requests.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf } from '../helpers/oauth-browser.js';
import { ME, registerAdmin } from '../helpers/seed.js';
import { startTwoInstances } from '../helpers/two-instances.js';

const HIGH = '100000/1m';
const [one, two] = await startTwoInstances(t, {
  RATE_LIMIT_ANONYMOUS: HIGH,
  RATE_LIMIT_AUTHENTICATED: HIGH,
  OAUTH_REGISTRATION: 'open',
});
const instances = [one, two, one, two, one];
const admin = await registerAdmin(one);
const ROUNDS = 5;
const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } };

async function setUp() {
  const user = await one.user();
  const seeded = await seedClient(one, { grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'DEVICE_CODE'] });
  const exchange = (code: string, at: TestApp = one, secret = seeded.secret) =>
    postForm(at, '/oauth/token', exchangeForm({ ...seeded, secret }, code));
  const refresh = (token: string, at: TestApp = one) => postForm(at, '/oauth/token', refreshForm(seeded, token));
  const newCode = () => issueCode(one, user.id, seeded);
  const newGrant = async () => (await exchange(await newCode())).body['refresh_token'] as string;
  const grants = () =>
    one.db.executor
      .select()
      .from(sessions)
      .where(and(eq(sessions.userId, user.id), isNotNull(sessions.clientId)));
  const liveGrants = async () => (await grants()).filter(({ endedAt }) => endedAt === null).length;
  return { user, seeded, exchange, refresh, newCode, newGrant, grants, liveGrants };
}

const change = (input: string) => (id: string) =>
  admin.client.send(`mutation ($id: ID!) { updateOAuthClient(id: $id, input: { ${input} }) { id } }`, { id });
const [disableClient, enableClient] = [change('disabled: true'), change('disabled: false')];
const disableAccount = (id: string) =>
  admin.client.send('mutation ($id: ID!) { updateUser(id: $id, input: { disabled: true }) { id } }', { id });

t.test('lets one of five exchanges of a code win, and keeps its grant', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { newCode, exchange, grants } = await setUp();
    const code = await newCode();
    const answers = await Promise.all(instances.map((each) => exchange(code, each)));
    t.same(answers.map(({ status }) => status).sort(), [200, 400, 400, 400, 400]);
    t.match(await grants(), [{ endedAt: null }]);
  }
});

t.test('gives five refreshes of one token the same successor', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { newGrant, refresh, grants } = await setUp();
    const token = await newGrant();
    const answers = await Promise.all(instances.map((each) => refresh(token, each)));
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    t.equal(new Set(answers.map((answer) => answer.body['refresh_token'])).size, 1);
    t.match(await grants(), [{ endedAt: null, generation: 1 }]);
  }
});

t.test('issues one code for five answers of a consent form', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { user, seeded } = await setUp();
    const browsers = [one, two].map(({ server }) => oauthBrowser(server));
    const [browser, other] = browsers as [(typeof browsers)[0], (typeof browsers)[0]];
    await browser.open(authorizeUrl(seeded));
    await browser.submit(credentialsOf(user));
    for (const [name, value] of browser.jar) other.jar.set(name, value);
    const fields = { ...browser.hidden(), decision: 'allow' };
    const answers = await Promise.all(
      [browser, other, browser, other, browser].map((each) => each.post('/oauth/consent', fields)),
    );
    t.same(answers.map((shown) => ('code' in responseOf(shown) ? 'code' : shown.status)).sort(), [
      400,
      400,
      400,
      400,
      'code',
    ]);
    t.equal(await one.db.executor.$count(oauthCodes, eq(oauthCodes.userId, user.id)), 1);
  }
});

t.test('leaves no usable code if the client is disabled while the person consents', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { user, seeded, exchange, liveGrants } = await setUp();
    const browser = oauthBrowser(two.server);
    await browser.open(authorizeUrl(seeded));
    await browser.submit(credentialsOf(user));
    const [shown, disabled] = await Promise.all([
      browser.submit({ decision: 'allow' }),
      disableClient(seeded.client.id),
    ]);
    t.equal(disabled.code, undefined);
    const { code } = responseOf(shown);
    if (code === undefined) t.match(shown, { status: 400 });
    await enableClient(seeded.client.id);
    if (code !== undefined) t.match(await exchange(code), INVALID_GRANT);
    t.equal(await liveGrants(), 0);
  }
});

t.test('leaves no grant if the client or the account is disabled during the exchange', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1)
    for (const what of ['client', 'account'] as const) {
      const { user, seeded, newCode, exchange, liveGrants } = await setUp();
      const code = await newCode();
      const [answer, disabled] = await Promise.all([
        exchange(code, two),
        what === 'client' ? disableClient(seeded.client.id) : disableAccount(user.id),
      ]);
      t.equal(disabled.code, undefined, what);
      t.ok([200, 400, 401].includes(answer.status), String(answer.status));
      t.equal(await liveGrants(), 0, `${what}, after ${answer.status}`);
    }
});

t.test('leaves no grant if the account is disabled, or the client revokes it, during a refresh', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1)
    for (const what of ['disabled', 'revoked'] as const) {
      const { user, seeded, newGrant, refresh, liveGrants } = await setUp();
      const token = await newGrant();
      const revoke = () => postForm(one, '/oauth/revoke', { ...withSecret(seeded), token });
      await Promise.all([refresh(token, two), what === 'disabled' ? disableAccount(user.id) : revoke()]);
      t.equal(await liveGrants(), 0, what);
      t.match(await refresh(token), INVALID_GRANT);
    }
});

t.test('leaves no grant if the browser session ends during the exchange', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { user, seeded, exchange, liveGrants } = await setUp();
    const browser = oauthBrowser(one.server);
    await browser.open(authorizeUrl(seeded));
    await browser.submit(credentialsOf(user));
    const code = responseOf(await browser.submit({ decision: 'allow' }))['code']!;
    const [answer, ended] = await Promise.all([
      exchange(code, two),
      user.client.send('mutation { revokeOtherSessions }'),
    ]);
    t.equal(ended.code, undefined);
    t.equal(await liveGrants(), 0, `after ${answer.status}`);
  }
});

t.test('gives a device one grant, however its polls meet the approval', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { user, seeded, grants } = await setUp();
    const { body } = await postForm(one, '/oauth/device_authorization', withSecret(seeded));
    const poll = (at: TestApp) =>
      postForm(at, '/oauth/token', {
        grant_type: DEVICE_CODE,
        device_code: body['device_code'] as string,
        ...withSecret(seeded),
      });
    const browser = oauthBrowser(one.server);
    await browser.open('/device');
    await browser.submit({ user_code: body['user_code'] as string });
    await browser.submit(credentialsOf(user));
    const [shown, ...polls] = await Promise.all([
      browser.submit({ decision: 'allow' }),
      ...instances.map((each) => poll(each)),
    ]);
    t.match(shown, { status: 200, body: /The device is connected/ });
    one.clock.advance(60_000);
    const last = await poll(two);
    const errors = [...polls, last].map((answer) => (answer.body['error'] ?? 'tokens') as string);
    t.equal(errors.filter((each) => each === 'tokens').length, 1, errors.join(' '));
    const others = new Set(['authorization_pending', 'slow_down', 'invalid_grant', 'tokens']);
    t.ok(errors.every((each) => others.has(each)));
    t.match(await grants(), [{ endedAt: null }]);
  }
});

t.test('spends no code with a secret that is replaced during the exchange', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { seeded, newCode, exchange, liveGrants } = await setUp();
    const code = await newCode();
    const rotate = 'mutation ($id: ID!) { rotateOAuthClientSecret(id: $id) { secret } }';
    const [answer, rotated] = await Promise.all([
      exchange(code, two),
      admin.client.send(rotate, { id: seeded.client.id }),
    ]);
    const secret = rotated.data!['rotateOAuthClientSecret'].secret as string;
    if (answer.status !== 200) {
      t.match(answer, { status: 401, body: { error: 'invalid_client' } });
      t.equal((await exchange(code, two, secret)).status, 200, 'nothing was spent');
    }
    t.equal(await liveGrants(), 1);
    t.equal((await exchange(code, one)).status, 401, 'the former secret');
  }
});

t.test('refuses the former secret of an API key after a rotation, whatever uses it meanwhile', async (t) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { client } = await one.user();
    const { id, key } = await createKey(client);
    const use = (at: TestApp, text = key) => sendWithKey(at.client(), text, ME);
    const [rotated, ...uses] = await Promise.all([
      client.send(ROTATE_KEY, { id }),
      ...instances.map((each) => use(each)),
    ]);
    for (const { code } of uses) t.ok(code === undefined || code === 'INVALID_API_KEY', String(code));
    for (const each of [one, two]) {
      t.equal((await use(each)).code, 'INVALID_API_KEY');
      t.equal((await use(each, rotated.data!['rotateApiKey'].key)).code, undefined);
    }
  }
});

t.test('registers every client of parallel registrations, and no more than the limit of the network', async (t) => {
  const before = await one.db.executor.$count(oauthClients, isNull(oauthClients.disabledAt));
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, each) => {
      const response = await instances[each % 2]!.server.inject({
        method: 'POST',
        url: '/oauth/register',
        remoteAddress: '192.0.2.77',
        payload: { redirect_uris: ['https://app.example.com/callback'], client_name: `Number ${each}` },
      });
      return { status: response.statusCode, body: response.json<{ client_id?: string }>() };
    }),
  );
  const registered = answers.filter(({ status }) => status === 201);
  t.equal(registered.length, 20);
  t.equal(new Set(registered.map(({ body }) => body.client_id)).size, 20);
  t.equal(answers.filter(({ status }) => status === 429).length, 10);
  t.equal(await one.db.executor.$count(oauthClients, isNull(oauthClients.disabledAt)), before + 20);
});
