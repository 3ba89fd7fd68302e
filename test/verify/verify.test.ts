/** `latchkey/verify` against a running Latchkey. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { rotate } from '../../src/signing-keys/service.js';
import { createVerifier, hasScopes, type VerificationError, type VerifierOptions } from '../../src/verify/index.js';
import type { TestApp } from '../helpers/app.js';
import { claimsOf, headerOf, tokenSigner } from '../helpers/tokens.js';
import { ISSUER, startWithVerifier } from '../helpers/verifier.js';

const SCOPES = ['read:content', 'read:profile', 'write:profile', 'read:history'];

async function rotateKeys(app: TestApp): Promise<void> {
  const { accessTtlMs } = app.config.jwt;
  const options = { algorithm: 'EdDSA', secrets: app.config.authSecrets, accessTtlMs, clock: app.clock } as const;
  await app.db.transaction((tx) => rotate(tx, options));
  await app.runJob('reload signing keys');
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

for (const algorithm of ['EdDSA', 'ES256', 'PS256', 'RS256']) {
  t.test(`verifies tokens signed with ${algorithm}`, async (t) => {
    const { app, verifier } = await startWithVerifier(t, { JWT_ALGORITHM: algorithm });
    const user = await app.user();
    const token = await verifier.authenticate(`Bearer ${user.accessToken}`);
    const claims = claimsOf(user.accessToken);
    t.same(
      { ...token, scopes: [...token.scopes] },
      {
        kind: 'access-token',
        subject: user.id,
        sessionId: claims['sid'],
        clientId: claims['client_id'],
        scopes: SCOPES,
        expiresAt: new Date(Number(claims['exp']) * 1000),
        claims,
      },
    );
  });
}

t.test('accepts tokens of the new and the previous key after a rotation', async (t) => {
  const { app, verifier } = await startWithVerifier(t);
  const before = await app.user();
  await verifier.verify(before.accessToken);
  await rotateKeys(app);
  const after = await app.user();
  t.not(headerOf(before.accessToken)['kid'], headerOf(after.accessToken)['kid']);
  t.equal((await verifier.verify(after.accessToken)).subject, after.id);
  t.equal((await verifier.verify(before.accessToken)).subject, before.id);
});

t.test('fetches the keys once for many tokens, and not again for unknown keys within the cooldown', async (t) => {
  const { app, verifier } = await startWithVerifier(t, {}, { cooldown: 3_600_000 });
  const { accessToken } = await app.user();
  const fetches = () => app.logs.filter(({ url }) => url === '/.well-known/jwks.json').length;
  await Promise.all([verifier.verify(accessToken), verifier.verify(accessToken)]);
  await rotateKeys(app);
  await t.rejects(verifier.verify((await app.user()).accessToken), { code: 'INVALID_TOKEN' });
  t.equal(fetches(), 1);
});

t.test('rejects tokens that are not authentic access tokens of the issuer for the audience', async (t) => {
  const { app, jwksUri, verifier } = await startWithVerifier(t);
  const { accessToken } = await app.user();
  const [header, claims] = [headerOf(accessToken), claimsOf(accessToken)];
  const { privateKey } = generateKeyPairSync('ed25519');
  const forged = (head: object, body: object) => {
    const text = `${encode(head)}.${encode(body)}`;
    return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
  };
  const symmetric = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
  const publicKey = await (await fetch(jwksUri)).text();
  const bad: Record<string, string> = {
    'no JWT': 'x',
    'no signature': accessToken.replace(/[^.]*$/, ''),
    'another key with the same id': forged(header, claims),
    'an unknown key': forged({ ...header, kid: 'unknown' }, claims),
    'alg none': `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
    'HS256 with the public key as the secret': `${symmetric}.${createHmac('sha256', publicKey).update(symmetric).digest('base64url')}`,
    'changed claims': accessToken.replace(/\.[^.]*\./, `.${encode({ ...claims, scope: 'admin' })}.`),
  };
  const accepted: string[] = [];
  for (const [name, token] of Object.entries(bad)) {
    const code = await verifier.verify(token).then(
      () => 'accepted',
      (error: unknown) => (error as VerificationError).code,
    );
    if (code !== 'INVALID_TOKEN') accepted.push(`${name}: ${code}`);
  }
  t.same(accepted, []);
  const other = (options: Partial<VerifierOptions>) => createVerifier({ issuer: ISSUER, jwksUri, ...options });
  await t.rejects(other({ issuer: 'http://other.test' }).verify(accessToken), { code: 'INVALID_TOKEN' });
  await t.rejects(other({ audience: 'http://api.test' }).verify(accessToken), { code: 'INVALID_TOKEN' });
  await t.rejects(other({ algorithms: ['ES256'] }).verify(accessToken), { code: 'INVALID_TOKEN' });
  t.ok(
    await other({ audience: ['http://api.test', ISSUER] }).verify(accessToken),
    'one of several audiences is enough',
  );
  t.throws(() => other({ algorithms: ['HS256' as 'ES256'] }), /HS256 is not one of/);
});

t.test('checks header and claims of tokens with an authentic signature', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA', use: 'sig' };
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
  server.listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const verifier = createVerifier({ issuer: ISSUER, jwksUri, clockTolerance: 0 });
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: ISSUER, aud: ISSUER, sub: 'u', sid: 's', scope: 'a b', type: 'access', iat: now, exp: now + 600 };
  const outcome = (claims: object, header: object = {}) => {
    const text = `${encode({ alg: 'EdDSA', kid: 'k', typ: 'at+jwt', ...header })}.${encode({ ...good, ...claims })}`;
    return verifier.verify(`${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`).then(
      () => 'accepted',
      (error: unknown) => (error as VerificationError).code,
    );
  };
  const cases: [string, string, object, object?][] = [
    ['as issued', 'accepted', {}],
    ['of a service account', 'accepted', { sid: undefined, client_id: 'c' }],
    ['for several audiences', 'accepted', { aud: ['https://api.test', ISSUER] }],
    ['typ JWT', 'INVALID_TOKEN', {}, { typ: 'JWT' }],
    ['no typ', 'INVALID_TOKEN', {}, { typ: undefined }],
    ['a critical extension', 'INVALID_TOKEN', {}, { crit: ['x'], x: 1 }],
    ['another type', 'INVALID_TOKEN', { type: 'refresh' }],
    ['no type', 'INVALID_TOKEN', { type: undefined }],
    ['no audience', 'INVALID_TOKEN', { aud: undefined }],
    ['another audience', 'INVALID_TOKEN', { aud: 'https://api.test' }],
    ['another issuer', 'INVALID_TOKEN', { iss: `${ISSUER}/` }],
    ['no subject', 'INVALID_TOKEN', { sub: undefined }],
    ['no expiry', 'INVALID_TOKEN', { exp: undefined }],
    ['an expiry that is no number', 'INVALID_TOKEN', { exp: String(now + 600) }],
    ['no scope', 'INVALID_TOKEN', { scope: undefined }],
    ['not valid yet', 'INVALID_TOKEN', { nbf: now + 600 }],
    ['expired', 'TOKEN_EXPIRED', { exp: now - 1 }],
    ['expired, of another issuer', 'INVALID_TOKEN', { exp: now - 1, iss: 'http://other.test' }],
  ];
  const unexpected: string[] = [];
  for (const [name, expected, claims, header] of cases) {
    const actual = await outcome(claims, header);
    if (actual !== expected) unexpected.push(`${name}: ${actual}`);
  }
  t.same(unexpected, []);
});

t.test('reports an expired token as TOKEN_EXPIRED', async (t) => {
  const { app, verifier } = await startWithVerifier(t);
  const signed = await tokenSigner(app);
  const { id, accessToken } = await app.user();
  app.clock.advance(-3_600_000);
  const token = signed({ userId: id, sessionId: String(claimsOf(accessToken)['sid']), scopes: [] });
  await t.rejects(verifier.verify(token), { code: 'TOKEN_EXPIRED', status: 401 });
});

t.test('requires all scopes of at least one group', async (t) => {
  const { app, verifier, jwksUri } = await startWithVerifier(t);
  const { accessToken } = await app.user();
  const token = await verifier.verify(accessToken);
  t.ok(hasScopes(token, [['admin'], ['read:content', 'read:history']]));
  t.notOk(hasScopes(token, [['admin'], ['read:content', 'admin']]));
  const requiredScopes = [['admin']];
  await t.rejects(createVerifier({ issuer: ISSUER, jwksUri, requiredScopes }).verify(accessToken), {
    code: 'INSUFFICIENT_PERMISSIONS',
    status: 403,
    details: { requiredScopes },
  });
});
