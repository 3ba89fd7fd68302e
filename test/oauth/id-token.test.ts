/** ID tokens, verified with the published keys. */
import { createHash } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm } from '../helpers/oauth-requests.js';

for (const [algorithm, hash] of [
  ['RS256', 'sha256'],
  ['EdDSA', 'sha512'],
] as const)
  t.test(`signs ID tokens with ${algorithm}`, async (t) => {
    const app = await startTestApp(t, { OAUTH_ID_TOKEN_ALGORITHM: algorithm });
    const user = await app.user();
    const seeded = await seedClient(app);
    const authenticatedAt = new Date(app.clock.now() - 60_000);
    const browserSessionId = '01a1fc41-72cb-70ec-8b3d-3273bdd90010';
    const code = await issueCode(app, user.id, seeded, {
      scopes: ['openid', 'email'],
      nonce: 'n-1',
      amr: ['pwd', 'otp', 'mfa'],
      authenticatedAt,
      browserSessionId,
    });
    const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code));
    const keys = (await app.server.inject('/.well-known/jwks.json')).json<JSONWebKeySet>();
    const verify = async (token: string) => {
      const options = { issuer: 'http://auth.test', audience: seeded.client.id, algorithms: [algorithm] };
      const currentDate = new Date(app.clock.now());
      return (await jwtVerify(token, createLocalJWKSet(keys), { ...options, currentDate })).payload;
    };
    const leftHalf = (token: string) => {
      const digest = createHash(hash).update(token).digest();
      return digest.subarray(0, digest.length / 2).toString('base64url');
    };
    const auth_time = Math.floor(authenticatedAt.getTime() / 1000);
    const claims = await verify(body['id_token']);
    t.match(claims, { sub: user.id, nonce: 'n-1', acr: '2', amr: ['pwd', 'otp', 'mfa'], auth_time });
    t.match(claims, { sid: browserSessionId, at_hash: leftHalf(body['access_token']), email: user.email });
    t.notOk('preferred_username' in claims, 'only claims of granted scopes');

    app.clock.advance(120_000);
    const refreshed = (await postForm(app, '/oauth/token', refreshForm(seeded, body['refresh_token']))).body;
    const again = await verify(refreshed['id_token']);
    t.match(again, { sub: user.id, auth_time, at_hash: leftHalf(refreshed['access_token']) });
    t.notOk('nonce' in again);
  });

t.test('gives no ID token without the scope openid', async (t) => {
  const app = await startTestApp(t);
  const user = await app.user();
  const seeded = await seedClient(app);
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, await issueCode(app, user.id, seeded)));
  t.notOk('id_token' in body);
});
