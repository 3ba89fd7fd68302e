/** Client authentication at the token endpoint (RFC 6749 section 2.3, RFC 7523). */
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import t from 'tap';
import { createClientRepository } from '../../src/oauth/clients/repository.js';
import { hashSecret } from '../../src/oauth/secret.js';
import { generateSigningKey, type AsymmetricAlgorithm } from '../../src/signing-keys/key-material.js';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import { basic, postForm, withSecret, type OAuthAnswer } from '../helpers/oauth-requests.js';

const app = await startTestApp(t);
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** An authenticated request gets this far. */
const PASSED = { status: 400, body: { error: 'unsupported_grant_type' } };
const REFUSED = { status: 401, body: { error: 'invalid_client', error_description: 'Client authentication failed.' } };
const send = (form: Record<string, string>, headers: Record<string, string> = {}): Promise<OAuthAnswer> =>
  postForm(app, '/oauth/token', { grant_type: 'none', ...form }, headers);

t.test('accepts the secret in the form or the header', async (t) => {
  const seeded = await seedClient(app);
  t.match(await send(withSecret(seeded)), PASSED);
  t.match(await send({}, basic(seeded.client.id, seeded.secret)), PASSED);
  t.match(await send({ client_id: seeded.client.id }, basic(seeded.client.id, seeded.secret)), PASSED);
});

t.test('answers every failure alike', async (t) => {
  const seeded = await seedClient(app);
  const { client, secret } = seeded;
  const disabled = await seedClient(app, { disabledAt: new Date(app.clock.now()) });
  const open = await seedClient(app, { type: 'PUBLIC', authMethod: 'NONE' });
  const failures: Record<string, Record<string, string>> = {
    'no client': {},
    'unknown client': { client_id: randomUUID(), client_secret: secret },
    'wrong secret': { client_id: client.id, client_secret: 'wrong' },
    'empty secret': { client_id: client.id, client_secret: '' },
    'no secret': { client_id: client.id },
    'disabled client': withSecret(disabled),
    'secret for a public client': { client_id: open.client.id, client_secret: 'any' },
    'odd client': { client_id: 'ü', client_secret: 'any' },
  };
  for (const [name, form] of Object.entries(failures)) {
    const answer = await send(form);
    t.match(answer, REFUSED, name);
    t.equal(answer.headers['www-authenticate'], undefined);
  }
  for (const header of [
    basic(client.id, 'wrong'),
    basic(client.id, ''),
    { authorization: 'Basic !' },
    { authorization: 'Bearer x' },
  ]) {
    const answer = await send({}, header);
    t.match(answer, REFUSED);
    t.match(answer.headers['www-authenticate'], /^Basic /);
  }
  t.match(await send({ client_id: open.client.id }), PASSED, 'a public client has no secret');
});

t.test('refuses two methods at once', async (t) => {
  const seeded = await seedClient(app);
  const { client, secret } = seeded;
  const invalid = { status: 400, body: { error: 'invalid_request' } };
  t.match(await send(withSecret(seeded), basic(client.id, secret)), invalid);
  t.match(await send({ ...withSecret(seeded), client_assertion_type: JWT_BEARER, client_assertion: 'a.b.c' }), invalid);
});

t.test('accepts the former secret until its overlap ends', async (t) => {
  const { client, secret } = await seedClient(app);
  await createClientRepository(app.db.executor).insertSecret({
    id: randomUUID(),
    clientId: client.id,
    secretHash: hashSecret('former'),
    createdAt: new Date(app.clock.now()),
    expiresAt: new Date(app.clock.now() + 60_000),
  });
  t.match(await send({ client_id: client.id, client_secret: 'former' }), PASSED);
  app.clock.advance(60_000);
  t.match(await send({ client_id: client.id, client_secret: 'former' }), REFUSED);
  t.match(await send({ client_id: client.id, client_secret: secret }), PASSED);
});

async function keyClient(algorithm: AsymmetricAlgorithm) {
  const { publicJwk, privateKey, kid } = await generateSigningKey(algorithm);
  const { client } = await seedClient(app, { authMethod: 'PRIVATE_KEY_JWT', jwks: { keys: [publicJwk] } });
  const key = createPrivateKey(privateKey);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const assertion = (claims: object = {}, header: object = {}) => {
    const exp = Math.floor(app.clock.now() / 1000) + 60;
    const body = { iss: client.id, sub: client.id, aud: 'http://auth.test', exp, jti: randomUUID(), ...claims };
    const signed = `${encode({ alg: algorithm, kid, ...header })}.${encode(body)}`;
    const options = {
      RS256: { key },
      PS256: { key, padding: 6, saltLength: 32 },
      ES256: { key, dsaEncoding: 'ieee-p1363' as const },
      EdDSA: { key },
    }[algorithm];
    const hash = algorithm === 'EdDSA' ? null : 'sha256';
    return `${signed}.${sign(hash, Buffer.from(signed), options).toString('base64url')}`;
  };
  const present = (text: string, more = {}) =>
    send({ client_assertion_type: JWT_BEARER, client_assertion: text, ...more });
  return { client, assertion, present };
}

t.test('accepts assertions of each algorithm, once', async (t) => {
  for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
    const { client, assertion, present } = await keyClient(algorithm);
    const text = assertion({ aud: ['http://auth.test/oauth/token'] });
    t.match(await present(text, { client_id: client.id }), PASSED, algorithm);
    t.match(await present(text), REFUSED, `${algorithm}, replayed`);
  }
});

t.test('accepts both names of the algorithm of Ed25519 keys', async (t) => {
  const { assertion, present } = await keyClient('EdDSA');
  t.match(await present(assertion({}, { alg: 'Ed25519' })), PASSED);
  t.match(await present(assertion({}, { alg: 'EdDSA' })), PASSED);
});

t.test('accepts one of five presentations of an assertion at once', async (t) => {
  const { assertion, present } = await keyClient('EdDSA');
  const text = assertion();
  const answers = await Promise.all(Array.from({ length: 5 }, () => present(text)));
  t.same(answers.map(({ status }) => status).sort(), [400, 401, 401, 401, 401]);
});

t.test('refuses assertions that are not for this server, this client or this moment', async (t) => {
  const { client, assertion, present } = await keyClient('ES256');
  const other = await keyClient('ES256');
  const now = Math.floor(app.clock.now() / 1000);
  const refused: Record<string, string> = {
    'another audience': assertion({ aud: 'https://other.example' }),
    'no audience': assertion({ aud: undefined }),
    'another issuer': assertion({ iss: other.client.id }),
    'another subject': assertion({ sub: other.client.id }),
    expired: assertion({ exp: now }),
    'no expiry': assertion({ exp: undefined }),
    'an expiry far ahead': assertion({ exp: now + 3600 }),
    'not valid yet': assertion({ nbf: now + 120 }),
    'no jti': assertion({ jti: undefined }),
    'no algorithm': assertion({}, { alg: 'none' }),
    'a symmetric algorithm': assertion({}, { alg: 'HS256' }),
    'another algorithm': assertion({}, { alg: 'RS256' }),
    'an unknown key': assertion({}, { kid: 'other' }),
    'a critical header': assertion({}, { crit: ['b64'] }),
    'another key': other.assertion({ iss: client.id, sub: client.id }),
    'no signature': assertion().replace(/[^.]*$/, ''),
  };
  for (const [name, text] of Object.entries(refused)) t.match(await present(text), REFUSED, name);
  t.match(await present(assertion(), { client_id: other.client.id }), REFUSED, 'another client_id');
  t.match(await send({ client_assertion: assertion() }), REFUSED, 'no type');
  t.match(await send({ client_id: client.id, client_secret: 'any' }), REFUSED, 'a secret');
  t.match(await present(assertion()), PASSED);
});
