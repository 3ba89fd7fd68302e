/** Each token has one accepted text: other encodings of its signature are rejected. */
import { createPublicKey, verify as verifyBytes, type JsonWebKey } from 'node:crypto';
import t from 'tap';
import { createAccessTokens } from '../../src/sessions/access-tokens.js';
import { createSigningKeys } from '../../src/signing-keys/service.js';
import { canonical, isCanonical } from '../../src/signing-keys/signature-encoding.js';
import { testClock } from '../helpers/clock.js';
import { openTestDatabase } from '../helpers/database.js';
import { tokenSession } from '../helpers/tokens.js';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const SUBJECT = {
  userId: '01a1fc41-72cb-70ec-8b3d-3273bdd9312e',
  scopes: ['a'],
  session: tokenSession('01a1fc41-72cb-70ec-8b3d-3273bdd9312f'),
};
const db = await openTestDatabase(t);
const clock = testClock();
const issuer = 'https://auth.test';
const secrets = ['a test secret of more than thirty-two bytes'];
const secretKey = 'a shared secret of more than thirty-two bytes';

async function issue(algorithm: 'EdDSA' | 'ES256' | 'RS256' | 'HS256') {
  const keys = await createSigningKeys({ db, clock, secrets, algorithm, secretKey, accessTtlMs: 900_000, issuer });
  const settings = { keys, clock, accessTtlMs: 900_000, issuer };
  const { token } = createAccessTokens(settings).sign(SUBJECT);
  // Another instance, which has not cached the token.
  const codeOf = (text: string) =>
    createAccessTokens(settings)
      .verify(text)
      .then(
        () => 'accepted',
        (error: { code?: string }) => error.code,
      );
  return { token, keys, codeOf };
}

/** Encodes the same bytes differently: sets the unused bits of the last character. */
function withSpareBits(token: string): string {
  const last = ALPHABET.indexOf(token.at(-1)!);
  return token.slice(0, -1) + ALPHABET.charAt(last ^ 1);
}

/** Replaces an ECDSA signature (r, s) by the equivalent (r, n − s). */
function twinOf(token: string): string {
  const end = token.lastIndexOf('.') + 1;
  const signature = Buffer.from(token.slice(end), 'base64url');
  const s = BigInt(`0x${signature.toString('hex', 32)}`);
  signature.write((ORDER - s).toString(16).padStart(64, '0'), 32, 'hex');
  return token.slice(0, end) + signature.toString('base64url');
}

for (const algorithm of ['EdDSA', 'ES256', 'RS256', 'HS256'] as const) {
  t.test(`accepts a signature of ${algorithm} in its canonical encoding only`, async (t) => {
    const { token, codeOf } = await issue(algorithm);
    const dot = token.lastIndexOf('.') + 1;
    const bytes = (text: string) => Buffer.from(text.slice(dot), 'base64url');
    // A whole number of three-byte groups leaves no spare bits.
    const hasSpareBits = bytes(token).length % 3 !== 0;
    if (hasSpareBits) t.same(bytes(withSpareBits(token)), bytes(token), 'the attack decodes to the same signature');
    for (const [name, text] of Object.entries({
      ...(hasSpareBits ? { 'spare bits': withSpareBits(token) } : {}),
      padding: `${token}=`,
      'double padding': `${token}==`,
      'a line break': `${token}\n`,
      'a space inside': `${token.slice(0, -5)} ${token.slice(-5)}`,
      'a stray character': `${token.slice(0, -5)}!${token.slice(-5)}`,
      'the other alphabet': token.slice(0, dot) + bytes(token).toString('base64'),
      'no signature': token.slice(0, dot),
    }))
      t.equal(await codeOf(text), 'INVALID_TOKEN', name);
    t.equal(await codeOf(token), 'accepted');
  });
}

t.test('issues ES256 signatures with the lower s, and rejects the equivalent ones', async (t) => {
  const { keys, codeOf } = await issue('ES256');
  const jwk = keys.published().find(({ kid }) => kid === keys.current().kid)!;
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  const verifies = (token: string) => {
    const end = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    return verifyBytes('sha256', Buffer.from(token.slice(0, end)), { key, dsaEncoding: 'ieee-p1363' }, signature);
  };
  const tokens = createAccessTokens({ keys, clock, accessTtlMs: 900_000, issuer });
  for (let time = 0; time < 16; time += 1) {
    const { token } = tokens.sign(SUBJECT);
    t.ok(verifies(token) && isCanonical(token, 'ES256'));
    const twin = twinOf(token);
    t.ok(verifies(twin), 'the equivalent signature is valid');
    t.equal(await codeOf(twin), 'INVALID_TOKEN');
    t.equal(canonical(twin, 'ES256'), token, 'it is normalised to the lower s');
  }
});
