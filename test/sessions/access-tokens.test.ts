import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  verify as verifyBytes,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import t from 'tap';
import { AppError } from '../../src/lib/errors.js';
import { createAccessTokens } from '../../src/sessions/access-tokens.js';
import { createSigningKeys, type SigningKeysOptions } from '../../src/signing-keys/service.js';
import type { TestScope } from '../helpers/app.js';
import { testClock } from '../helpers/clock.js';
import { openTestDatabase } from '../helpers/database.js';
import { tokenSession } from '../helpers/tokens.js';

const ISSUER = 'https://auth.test';
const SESSION = {
  userId: '01a1fc41-72cb-70ec-8b3d-3273bdd9312e',
  sessionId: '01a1fc41-72cb-70ec-8b3d-3273bdd9312f',
  scopes: ['read:profile', 'write:profile'],
};
const SUBJECT = {
  userId: SESSION.userId,
  scopes: SESSION.scopes,
  session: {
    ...tokenSession(SESSION.sessionId),
    authenticatedAt: new Date('2026-05-01T12:00:00.999Z'),
    accessEpoch: 3,
  },
};
const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined) =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Record<string, unknown>;

async function setUp(t: TestScope, changes: Partial<SigningKeysOptions> = {}) {
  const clock = testClock();
  const options: SigningKeysOptions = {
    db: await openTestDatabase(t),
    clock,
    secrets: ['a test secret of more than thirty-two bytes'],
    algorithm: 'EdDSA',
    accessTtlMs: 900_000,
    issuer: ISSUER,
    ...changes,
  };
  const keys = await createSigningKeys(options);
  const settings = { keys, clock, accessTtlMs: options.accessTtlMs, issuer: ISSUER };
  const tokens = createAccessTokens(settings);
  /** Another instance, which did not issue the token. */
  const elsewhere = createAccessTokens(settings);
  const codeOf = (token: string, by = elsewhere) =>
    by.verify(token).then(
      () => 'accepted',
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  return { ...options, clock, keys, tokens, elsewhere, codeOf };
}

t.test('issues a JWT as in RFC 9068 that verifies', async (t) => {
  const { tokens, elsewhere, clock } = await setUp(t);
  const { token, expiresIn } = tokens.sign(SUBJECT);
  const [header, payload] = token.split('.').map((part, index) => (index < 2 ? decode(part) : part)) as Record<
    string,
    unknown
  >[];
  t.match(header, { alg: 'EdDSA', typ: 'at+jwt', kid: /^[\w-]{43}$/ });
  const iat = Math.floor(clock.now() / 1000);
  t.match(payload, {
    epoch: 3,
    iss: ISSUER,
    aud: ISSUER,
    sub: SUBJECT.userId,
    sid: SESSION.sessionId,
    scope: 'read:profile write:profile',
    type: 'access',
    auth_time: Date.parse('2026-05-01T12:00:00Z') / 1000,
    amr: ['pwd'],
    jti: /^[\da-f-]{36}$/,
    iat,
    exp: iat + 900,
  });
  t.equal(expiresIn, 900);
  const verified = {
    ...SESSION,
    epoch: 3,
    enrolling: false,
    scopes: new Set(SUBJECT.scopes),
    clientId: null,
    isService: false,
    expiresAt: (iat + 900) * 1000,
  };
  t.same(await elsewhere.verify(token), verified);
  t.same(await tokens.verify(token), verified, 'the same where it was issued');
  t.same(elsewhere.subjectOf(token), { kind: 'user', id: SUBJECT.userId });
  t.not(tokens.sign(SUBJECT).token, token, 'each has an id of its own');
});

t.test('caches an issued token without accepting a similar one', async (t) => {
  const { keys, clock, accessTtlMs } = await setUp(t);
  let verifications = 0;
  const counting = { ...keys, find: (kid: string) => ((verifications += 1), keys.find(kid)) };
  const tokens = createAccessTokens({ keys: counting, clock, accessTtlMs, issuer: ISSUER });
  const { token } = tokens.sign(SUBJECT);
  t.equal((await tokens.verify(token)).userId, SUBJECT.userId);
  t.equal(verifications, 0);
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const claims = { ...(decode(payload) as object), sub: '00000000-0000-7000-8000-000000000001' };
  await t.rejects(tokens.verify(`${header}.${encode(claims)}.${signature}`), { code: 'INVALID_TOKEN' });
  t.equal(verifications, 1);
});

t.test('limits the lifetime of a token to that of its session', async (t) => {
  const { tokens, clock } = await setUp(t);
  const session = { ...SUBJECT.session, expiresAt: new Date(clock.now() + 60_000) };
  const { token, expiresIn } = tokens.sign({ ...SUBJECT, session });
  const { expiresAt } = await tokens.verify(token);
  t.ok(expiresAt <= session.expiresAt.getTime());
  t.ok(expiresIn >= 59 && expiresIn <= 60);
});

t.test('omits amr if no authentication method was recorded', async (t) => {
  const { tokens } = await setUp(t);
  const { token } = tokens.sign({ ...SUBJECT, session: { ...SUBJECT.session, amr: [] } });
  t.notOk('amr' in decode(token.split('.')[1]));
});

t.test('rejects an expired token, cached or not', async (t) => {
  const { tokens, elsewhere, clock, codeOf } = await setUp(t);
  const { token } = tokens.sign(SUBJECT);
  const other = tokens.sign(SUBJECT).token;
  await elsewhere.verify(token);
  clock.advance(900_000);
  t.equal(await codeOf(token), 'TOKEN_EXPIRED');
  t.equal(await codeOf(token), 'TOKEN_EXPIRED', 'also after it was forgotten');
  t.equal(await codeOf(other), 'TOKEN_EXPIRED');
  t.equal(await codeOf(token, tokens), 'TOKEN_EXPIRED', 'where it was issued');
  t.equal(tokens.subjectOf(token), undefined);
  const forged = `${other.slice(0, -6)}AAAAAA`;
  t.equal(await codeOf(forged), 'INVALID_TOKEN', 'a forged one is not told that it expired');
});

t.test('rejects any modification of a token', async (t) => {
  const { tokens, keys, codeOf } = await setUp(t);
  const { token } = tokens.sign(SUBJECT);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const jwk = keys.published()[0]!;
  const publicPem = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    .export({ format: 'pem', type: 'spki' })
    .toString();
  const hmac = (head: object, secret: string) => {
    const body = `${encode({ kid: jwk['kid'], typ: 'at+jwt', ...head })}.${payload}`;
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
  };
  const tampered = encode({ ...decode(payload), scope: 'admin' });
  const attacks = {
    'no signature': `${header}.${payload}.`,
    'alg none': `${encode({ alg: 'none', typ: 'at+jwt', kid: jwk['kid'] })}.${payload}.`,
    'HS256 with the public key': hmac({ alg: 'HS256' }, publicPem),
    'HS256 with the public key as JWK': hmac({ alg: 'HS256' }, JSON.stringify(jwk)),
    'another payload': `${header}.${tampered}.${signature}`,
    'another header': `${encode({ ...decode(header), typ: 'JWT' })}.${payload}.${signature}`,
    'an unknown key': `${encode({ ...decode(header), kid: 'unknown' })}.${payload}.${signature}`,
    'a key id that is a path': `${encode({ ...decode(header), kid: '../../etc/passwd' })}.${payload}.${signature}`,
    'a key id that is no text': `${encode({ ...decode(header), kid: { a: 1 } })}.${payload}.${signature}`,
    'no key id': `${encode({ alg: 'EdDSA', typ: 'at+jwt' })}.${payload}.${signature}`,
    'a header that is null': `${encode('null')}.${payload}.${signature}`,
    'four parts': `${token}.${signature}`,
    'two parts': `${header}.${payload}`,
    'no JSON': `${encode('x')}.${payload}.${signature}`,
    empty: '',
    endless: `${header}.${'A'.repeat(5000)}.${signature}`,
  };
  for (const [name, attack] of Object.entries(attacks)) {
    t.equal(await codeOf(attack), 'INVALID_TOKEN', name);
    t.equal(tokens.subjectOf(attack), undefined, name);
  }
  t.equal(await codeOf(token), 'accepted');
});

t.test('rejects signed tokens with missing or invalid claims', async (t) => {
  const secretKey = 'a shared secret of more than thirty-two bytes';
  const { tokens, elsewhere, codeOf } = await setUp(t, { algorithm: 'HS256', secretKey });
  const [header, payload] = tokens.sign(SUBJECT).token.split('.').slice(0, 2).map(decode);
  const signed = (claims: object, head: object = {}) => {
    const body = `${encode({ ...header, ...head })}.${encode({ ...payload, ...claims })}`;
    return `${body}.${createHmac('sha256', secretKey).update(body).digest('base64url')}`;
  };
  t.equal(await codeOf(signed({})), 'accepted');
  const added = ['epoch', 'auth_time', 'amr', 'client_id'];
  const released = signed(Object.fromEntries(added.map((name) => [name, undefined])));
  t.equal((await elsewhere.verify(released)).epoch, 0, 'a token of a release without these claims');
  const required = Object.keys(payload ?? {}).filter((name) => !added.includes(name));
  const changed: Record<string, object> = {
    ...Object.fromEntries(required.map((name) => [`without ${name}`, { [name]: undefined }])),
    'another issuer': { iss: 'https://evil.test' },
    'another audience': { aud: 'https://evil.test' },
    'another type': { type: 'refresh' },
    'a subject that is no id': { sub: 'root' },
    'a session that would break out of an array': { sid: `${SESSION.sessionId},${SESSION.sessionId}` },
    'a scope that is a list': { scope: ['admin'] },
    'a time that is text': { exp: '9999999999' },
    'a time that is no whole number': { iat: 0.5 },
    'an epoch that is text': { epoch: '3' },
    'an epoch that is null': { epoch: null },
  };
  for (const [name, change] of Object.entries(changed)) t.equal(await codeOf(signed(change)), 'INVALID_TOKEN', name);
  for (const typ of ['JWT', 'refresh+jwt', undefined])
    t.equal(await codeOf(signed({}, { typ })), 'INVALID_TOKEN', `typ ${typ}`);
  t.equal(await codeOf(signed({}, { crit: ['exp'] })), 'INVALID_TOKEN', 'an extension that must be understood');
});

t.test('rejects a token of another type signed with the right key', async (t) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { tokens, codeOf } = await setUp(t);
  const [header, payload] = tokens.sign(SUBJECT).token.split('.');
  const resign = (key: KeyObject) =>
    `${header}.${payload}.${signBytes(null, Buffer.from(`${header}.${payload}`), key).toString('base64url')}`;
  t.equal(await codeOf(resign(privateKey)), 'INVALID_TOKEN');
});

for (const [algorithm, digest] of [
  ['EdDSA', null],
  ['ES256', 'sha256'],
  ['RS256', 'sha256'],
] as const) {
  t.test(`${algorithm}: anyone can verify a token from the published keys`, async (t) => {
    const { tokens, keys, codeOf } = await setUp(t, { algorithm });
    const { token } = tokens.sign(SUBJECT);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const jwk = keys.published().find(({ kid }) => kid === decode(header)['kid'])!;
    t.match(jwk, { alg: algorithm, use: 'sig' });
    t.notOk('d' in jwk, 'only the public half');
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    const ok = verifyBytes(
      digest,
      Buffer.from(`${header}.${payload}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    t.ok(ok);
    t.equal(await codeOf(token), 'accepted');
  });
}

t.test('HS256: verifies with the shared secret and publishes no key', async (t) => {
  const secretKey = 'a shared secret of more than thirty-two bytes';
  const { tokens, keys, codeOf } = await setUp(t, { algorithm: 'HS256', secretKey });
  const { token } = tokens.sign(SUBJECT);
  const [header, payload, signature] = token.split('.');
  t.equal(createHmac('sha256', secretKey).update(`${header}.${payload}`).digest('base64url'), signature);
  t.equal(await codeOf(token), 'accepted');
  t.same(keys.published(), []);
  t.equal(
    await codeOf((await setUp(t, { algorithm: 'HS256', secretKey: `${secretKey}!` })).tokens.sign(SUBJECT).token),
    'INVALID_TOKEN',
  );
  await t.rejects(setUp(t, { algorithm: 'HS256' }), /JWT_SECRET_KEY/);
});
