/** Keys and secrets that rotate between the steps of a sign-in: the flow goes on, and earlier tokens stay valid. */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import t, { type Test } from 'tap';
import { rotateManually } from '../../src/signing-keys/service.js';
import { startTestApp, type TestApp } from '../helpers/app.js';
import { issueCode, seedClient, type SeededClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm, withSecret, type OAuthAnswer } from '../helpers/oauth-requests.js';
import {
  authorizeUrl,
  credentialsOf,
  oauthBrowser,
  responseOf,
  type OAuthBrowser,
  type Shown,
} from '../helpers/oauth-browser.js';
import { registerAdmin, type SeededUser } from '../helpers/seed.js';
import { headerOf } from '../helpers/tokens.js';

const OLD = 'the old secret of more than thirty-two bytes';
const NEW = 'the new secret of more than thirty-two bytes';
const HIGH = { RATE_LIMIT_ANONYMOUS: '100000/1m', RATE_LIMIT_AUTHENTICATED: '100000/1m' };

type Tokens = Record<'access_token' | 'refresh_token' | 'id_token', string>;

/** The steps of a sign-in, each at the instance that `at` names for its number. @returns the tokens before and after a refresh */
async function signIn(
  t: Test,
  at: (step: number) => Promise<TestApp>,
  user: SeededUser,
  seeded: SeededClient,
): Promise<readonly Tokens[]> {
  let browser: OAuthBrowser | undefined;
  const visit = async (step: number, work: (browser: OAuthBrowser, shown: Shown | undefined) => Promise<Shown>) => {
    const next = oauthBrowser((await at(step)).server);
    for (const [name, value] of browser?.jar ?? []) next.jar.set(name, value);
    const fields = browser?.shown;
    browser = next;
    return work(next, fields);
  };
  const hidden = (shown: Shown | undefined) =>
    Object.fromEntries(
      Array.from(shown?.body.matchAll(/<input type="hidden" name="(request|key)" value="([^"]*)">/g) ?? [])
        .slice(0, 2)
        .map(([, name, value]) => [name!, value!]),
    );
  await visit(0, (each) => each.open(authorizeUrl(seeded, { scope: 'openid read:profile', prompt: 'login consent' })));
  await visit(1, (each, shown) => each.post('/oauth/login', { ...hidden(shown), ...credentialsOf(user) }));
  const left = await visit(2, (each, shown) => each.post('/oauth/consent', { ...hidden(shown), decision: 'allow' }));
  const ok = ({ status, body }: OAuthAnswer) => {
    t.equal(status, 200);
    return body as Tokens;
  };
  const code = responseOf(left)['code']!;
  const first = ok(await postForm(await at(3), '/oauth/token', exchangeForm(seeded, code)));
  const second = ok(await postForm(await at(4), '/oauth/token', refreshForm(seeded, first.refresh_token)));
  for (const token of [first.access_token, second.access_token, second.refresh_token]) {
    const answer = await postForm(await at(5), '/oauth/introspect', { ...withSecret(seeded), token });
    t.match(answer.body, { active: true, sub: user.id });
  }
  const info = await postForm(await at(6), '/oauth/userinfo', { access_token: first.access_token });
  t.match(info, { status: 200, body: { sub: user.id } });
  const hint = new URLSearchParams({ id_token_hint: first.id_token });
  const out = await visit(7, (each) => each.open(`/oauth/logout?${hint.toString()}`));
  t.match(out, { status: 200, body: /You are signed out/ });
  return [first, second];
}

t.test('the keys of access and ID tokens rotate before any step', async (t) => {
  const app = await startTestApp(t, HIGH);
  const user = await app.user();
  const published = async () => (await app.server.inject('/.well-known/jwks.json')).json<JSONWebKeySet>();
  for (let rotated = 0; rotated <= 7; rotated += 1) {
    const seeded = await seedClient(app, { scopes: ['openid', 'read:profile'] });
    const tokens = await signIn(
      t,
      async (step) => {
        if (step !== rotated) return app;
        await app.db.transaction(async (tx) => {
          const options = { secrets: app.config.authSecrets, clock: app.clock, accessTtlMs: 3_600_000 };
          await rotateManually(tx, { ...options, algorithm: 'EdDSA' });
          // The key of ID tokens is created by the first of them.
          if (rotated > 0 || step > 3) await rotateManually(tx, { ...options, algorithm: 'RS256', purpose: 'id' });
        });
        // The instance loads them with the next request for the published ones.
        app.clock.advance(5000);
        await published();
        return app;
      },
      user,
      seeded,
    );
    const keys = createLocalJWKSet(await published());
    const currentDate = new Date(app.clock.now());
    const kids = new Set(
      tokens.flatMap((each) => [headerOf(each.access_token)['kid'], headerOf(each.id_token)['kid']]),
    );
    t.equal(kids.size, rotated === 4 ? 4 : 2, 'a refresh signs with the new keys');
    for (const { access_token, id_token } of tokens) {
      await t.resolves(jwtVerify(access_token, keys, { issuer: 'http://auth.test', currentDate }));
      await t.resolves(jwtVerify(id_token, keys, { audience: seeded.client.id, currentDate }));
    }
  }
});

t.test('AUTH_SECRET rotates: instances with the values in either order serve alternate steps', async (t) => {
  const former = await startTestApp(t, { ...HIGH, AUTH_SECRET: `${OLD},${NEW}` });
  const latter = await startTestApp(t, { ...HIGH, AUTH_SECRET: `${NEW},${OLD}` }, former.db, former.clock);
  const user = await former.user();
  for (const [even, odd] of [
    [former, latter],
    [latter, former],
  ] as const) {
    const seeded = await seedClient(former, { scopes: ['openid', 'read:profile'] });
    await signIn(t, async (step) => (step % 2 === 0 ? even : odd), user, seeded);
  }
});

t.test('the secret of a client rotates between authorization and exchange, and before a refresh', async (t) => {
  const app = await startTestApp(t, HIGH);
  const admin = await registerAdmin(app);
  const rotate = async ({ client }: SeededClient): Promise<SeededClient> => {
    const document = 'mutation ($id: ID!) { rotateOAuthClientSecret(id: $id) { secret } }';
    const { data } = await admin.client.send(document, { id: client.id });
    return { client, secret: data!['rotateOAuthClientSecret'].secret as string };
  };
  const first = await seedClient(app);
  const code = await issueCode(app, admin.id, first);
  const second = await rotate(first);
  const refused = { status: 401, body: { error: 'invalid_client' } };
  t.match(await postForm(app, '/oauth/token', exchangeForm(first, code)), refused);
  const { status, body } = await postForm(app, '/oauth/token', exchangeForm(second, code));
  t.equal(status, 200, 'the code was not spent');
  const third = await rotate(second);
  t.match(await postForm(app, '/oauth/token', refreshForm(second, body['refresh_token'])), refused);
  t.equal((await postForm(app, '/oauth/token', refreshForm(third, body['refresh_token']))).status, 200);
});
