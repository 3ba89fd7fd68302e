/** Validation of redirect URIs, logout URIs and key sets. */
import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { checkJwks } from '../../src/oauth/clients/jwks.js';
import { logoutUriError, redirectUriError } from '../../src/oauth/clients/redirect-uri.js';

t.test('accepts https, http on loopback addresses, and private-use schemes of public clients', async (t) => {
  for (const uri of [
    'https://app.example.com/callback',
    'https://app.example.com/',
    'https://app.example.com:8443/callback?tenant=a%20b',
    'http://127.0.0.1/callback',
    'http://127.0.0.1:3000/callback',
    'http://localhost:3000/callback',
    'http://[::1]:3000/callback',
  ])
    for (const type of ['CONFIDENTIAL', 'PUBLIC'] as const) t.equal(redirectUriError(uri, type), undefined, uri);
  for (const uri of ['com.example.app:/callback', 'com.example.app://callback']) {
    t.equal(redirectUriError(uri, 'PUBLIC'), undefined, uri);
    t.match(redirectUriError(uri, 'CONFIDENTIAL'), /only public clients/, uri);
  }
});

t.test('refuses every other redirect URI', async (t) => {
  for (const uri of [
    '',
    '/callback',
    'callback',
    '//app.example.com/callback',
    'http://app.example.com/callback',
    'http://localhost.example.com/callback',
    'http://127.0.0.1.example.com/callback',
    'http://127.1/callback',
    'https://app.example.com',
    'https://app.example.com/callback#',
    'https://app.example.com/callback#a',
    'https://user@app.example.com/callback',
    'https://user:password@app.example.com/callback',
    'https://*.example.com/callback',
    'https://app.example.com/*',
    'https://app.example.com/a/../callback',
    'https://app.example.com/%2e%2e/callback',
    'https://APP.example.com/callback',
    'HTTPS://app.example.com/callback',
    'https://app.example.com:443/callback',
    'https:app.example.com/callback',
    'https:///app.example.com/callback',
    'https://app.example.com\\callback',
    'https://app.example.com/call back',
    'https://app.example.com/callback\n',
    'https://app.example.com/call%00back',
    'https://app.example.com/call%zzback',
    'https://app.example.com/caf\u00e9',
    'https://xn--\u00e9.example.com/',
    'https://app.example.com/callback?code=1',
    'https://app.example.com/callback?state=1',
    `https://app.example.com/${'a'.repeat(2048)}`,
    'javascript:alert(1)',
    'javascript.x:alert(1)//#',
    'data:text/html,x',
    'file:///etc/passwd',
    'app:/callback',
    'ws://127.0.0.1/callback',
  ])
    t.ok(redirectUriError(uri, 'PUBLIC'), JSON.stringify(uri));
});

t.test('accepts https for logout tokens, and http for confidential clients', async (t) => {
  t.equal(logoutUriError('https://app.example.com/logout', 'PUBLIC'), undefined);
  t.equal(logoutUriError('http://10.0.0.7:8080/logout', 'CONFIDENTIAL'), undefined);
  t.ok(logoutUriError('http://10.0.0.7:8080/logout', 'PUBLIC'));
  t.ok(logoutUriError('com.example.app:/logout', 'PUBLIC'));
  t.ok(logoutUriError('https://app.example.com/logout#a', 'CONFIDENTIAL'));
});

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const jwk = (key: { export(options: { format: 'jwk' }): object }): Record<string, unknown> => ({
  ...key.export({ format: 'jwk' }),
});
const strong = rsa(2048);
const p256 = jwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
const ed25519 = jwk(generateKeyPairSync('ed25519').publicKey);
const error = (...keys: readonly unknown[]) => {
  const result = checkJwks({ keys });
  return 'error' in result ? result.error : undefined;
};

t.test('accepts public keys of RSA, EC and Ed25519, and stores their known members', async (t) => {
  const keys = [
    { ...jwk(strong.publicKey), kid: 'a', use: 'sig', alg: 'RS256' },
    { ...p256, kid: 'b' },
    { ...ed25519, kid: 'c' },
  ];
  t.same(checkJwks({ keys: keys.map((key) => ({ ...key, x5u: 'https://evil.example', ext: true })) }), {
    value: { keys },
  });
  t.equal(error(p256), undefined, 'a single key needs no kid');
});

t.test('refuses keys of algorithms that assertions cannot have', async (t) => {
  for (const namedCurve of ['P-384', 'P-521'])
    t.match(error(jwk(generateKeyPairSync('ec', { namedCurve }).publicKey)), /crv/, namedCurve);
  for (const alg of ['RS384', 'RS512', 'PS384', 'PS512'])
    t.match(error({ ...jwk(strong.publicKey), alg }), /alg must be one of RS256, PS256/, alg);
  t.equal(error({ ...ed25519, alg: 'Ed25519' }), undefined);
});

t.test('refuses private, symmetric, weak, unknown and too many keys', async (t) => {
  t.match(error(jwk(strong.privateKey)), /public key/);
  t.match(error({ kty: 'oct', k: 'AAAA' }), /public key/);
  t.match(error({ ...p256, d: 'AAAA' }), /public key/);
  t.match(error(jwk(rsa(1024).publicKey)), /2048/);
  t.match(error({ kty: 'toString' }), /kty/);
  t.match(error({ kty: '__proto__' }), /kty/);
  t.match(error(jwk(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)), /crv/);
  t.match(error(jwk(generateKeyPairSync('x25519').publicKey)), /crv/);
  t.match(error({ ...jwk(strong.publicKey), e: 'AQ' }), /exponent/);
  t.match(error({ ...p256, x: 'AAAA' }), /valid key/);
  t.match(error({ ...p256, x: 1 }), /x is invalid/);
  t.match(error({ ...p256, alg: 'HS256' }), /alg/);
  t.match(error({ ...p256, use: 'enc' }), /use/);
  t.match(error({ ...p256, kid: 'x'.repeat(257) }), /kid/);
  t.match(error({ ...p256, kid: 'a' }, { ...ed25519, kid: 'a' }), /kid/);
  t.match(error(), /1 to 10 keys/);
  t.match(error(...Array.from({ length: 11 }, (_, kid) => ({ ...p256, kid: String(kid) }))), /1 to 10 keys/);
  t.match(checkJwks({}), { error: String });
  t.match(checkJwks({ keys: 'x' }), { error: String });
  t.match(error('x'), /JSON Web Key/);
});
