import { sql } from 'drizzle-orm';
import t from 'tap';
import { createAccessTokens } from '../../src/sessions/access-tokens.js';
import { createSigningKeys, rotate, rotateManually, type SigningKeysOptions } from '../../src/signing-keys/service.js';
import { createIdTokenKeys } from '../../src/signing-keys/id-token-keys.js';
import { createSigningKeyRepository } from '../../src/signing-keys/repository.js';
import { testClock } from '../helpers/clock.js';
import { openTestDatabase } from '../helpers/database.js';
import { headerOf, tokenSession } from '../helpers/tokens.js';

const SECRET = 'a test secret of more than thirty-two bytes';
const SUBJECT = {
  userId: '01a1fc41-72cb-70ec-8b3d-3273bdd9312e',
  session: tokenSession('01a1fc41-72cb-70ec-8b3d-3273bdd9312f'),
  scopes: ['a'],
};
const db = await openTestDatabase(t);
const clock = testClock();
const BASE: SigningKeysOptions = {
  db,
  clock,
  secrets: [SECRET],
  algorithm: 'EdDSA',
  accessTtlMs: 900_000,
  issuer: 'https://auth.test',
};
const ROTATION = { ...BASE, algorithm: 'EdDSA' as const };

async function instance(changes: Partial<SigningKeysOptions> = {}) {
  const keys = await createSigningKeys({ ...BASE, ...changes });
  return { keys, tokens: createAccessTokens({ ...BASE, ...changes, keys }) };
}
const rows = () => createSigningKeyRepository(db.executor, 'access').list();

t.beforeEach(async () => {
  await db.executor.execute(sql`delete from signing_keys`);
});

t.test('creates one key for concurrent starts and reuses it later', async (t) => {
  const instances = await Promise.all([instance(), instance(), instance()]);
  t.equal((await rows()).length, 1);
  t.equal(new Set(instances.map(({ keys }) => keys.current().kid)).size, 1);
  t.equal((await instance()).keys.current().kid, instances[0].keys.current().kid);
});

t.test('stores the private key encrypted', async (t) => {
  await instance();
  t.notMatch(JSON.stringify(await rows()), /PRIVATE KEY|"d":/);
});

t.test('applies a rotation on all instances and verifies old tokens until they expire', async (t) => {
  const [one, two] = [await instance(), await instance()];
  const old = one.tokens.sign(SUBJECT).token;
  const oldKid = one.keys.current().kid;
  const kid = await db.transaction((tx) => rotate(tx, ROTATION));

  t.equal(one.keys.current().kid, oldKid, 'until it reads the keys again');
  const late = one.tokens.sign(SUBJECT).token;
  await one.keys.reload();
  t.equal(one.keys.current().kid, kid);
  clock.advance(5_000);
  const fresh = one.tokens.sign(SUBJECT).token;
  t.ok(await two.tokens.verify(fresh), 'an instance that has not heard of the key looks for it');
  for (const token of [old, late]) t.ok(await two.tokens.verify(token));
  t.same(new Set(one.keys.published().map((jwk) => jwk['kid'])), new Set([oldKid, kid]));

  const { expiresAt } = (await rows()).find((row) => row.kid === oldKid)!;
  clock.advance(expiresAt!.getTime() - clock.now());
  await one.keys.reload();
  t.same(
    one.keys.published().map((jwk) => jwk['kid']),
    [kid],
  );
  await t.rejects((await instance()).tokens.verify(old), { code: 'INVALID_TOKEN' });
  await db.transaction((tx) => rotate(tx, ROTATION));
  t.notOk(
    (await rows()).some((row) => row.kid === oldKid),
    'the next rotation removes it',
  );
});

t.test('keeps a retired key for tokens of an instance that reloads late', async (t) => {
  const { keys } = await instance();
  await db.transaction((tx) => rotate(tx, ROTATION));
  const retired = (await rows()).find((row) => row.kid === keys.current().kid)!;
  t.ok(retired.expiresAt!.getTime() - retired.retiredAt!.getTime() >= BASE.accessTtlMs + 60_000);
});

t.test('keeps a retired key for its longest token lifetime', async (t) => {
  const long = await instance({ accessTtlMs: 3_600_000 });
  const { token } = long.tokens.sign(SUBJECT);
  await instance();
  await db.transaction((tx) => rotate(tx, ROTATION));
  await long.keys.reload();
  clock.advance(3_590_000);
  const later = await instance();
  t.ok(await later.tokens.verify(token));
  t.ok(later.keys.published().some(({ kid }) => kid === headerOf(token)['kid']));
  clock.advance(10_000 + 3 * 60_000);
  await later.keys.reload();
  t.notOk(
    later.keys.published().some(({ kid }) => kid === headerOf(token)['kid']),
    'then it is gone',
  );
});

t.test(
  'erases the private half of a key when it is retired, and of those that an earlier release retired',
  async (t) => {
    const { keys, tokens } = await instance();
    const { kid } = keys.current();
    const privateHalf = async (id: string) => (await rows()).find((row) => row.kid === id)!.encryptedPrivateKey;
    const sealed = await privateHalf(kid);
    await db.transaction((tx) => rotate(tx, ROTATION));
    t.equal(await privateHalf(kid), '');
    const retired = keys.known(kid)!;
    await keys.reload();
    t.not(keys.known(kid), retired, 'the instance drops it from memory as well');
    t.throws(() => keys.known(kid)!.sign({}));
    t.ok(await tokens.verify(tokens.sign(SUBJECT).token));
    await db.executor.execute(sql`update signing_keys set encrypted_private_key = ${sealed} where kid = ${kid}`);
    await instance();
    t.equal(await privateHalf(kid), '');
  },
);

t.test('signs with PS256, and with RS256 keys of 3,072 bits', async (t) => {
  for (const algorithm of ['PS256', 'RS256'] as const) {
    const { keys, tokens } = await instance({ algorithm });
    const { token } = tokens.sign(SUBJECT);
    t.match(JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()), { alg: algorithm });
    t.equal((await (await instance({ algorithm })).tokens.verify(token)).userId, SUBJECT.userId);
    const jwk = keys.published().find(({ alg }) => alg === algorithm)!;
    t.equal(Buffer.from(jwk['n']!, 'base64url').length * 8, 3072);
  }
});

t.test('limits reads for unknown key ids', async (t) => {
  let reads = 0;
  const counting = {
    ...db,
    executor: new Proxy(db.executor, {
      get: (target, key) => (key === 'select' ? ((reads += 1), Reflect.get(target, key)) : Reflect.get(target, key)),
    }),
  };
  const { keys } = await instance({ db: counting });
  const before = reads;
  for (let index = 0; index < 50; index += 1) t.equal(await keys.find(`invented-${index}`), undefined);
  t.equal(reads, before, 'none right after a read');
  clock.advance(5_000);
  await Promise.all(Array.from({ length: 50 }, (_, index) => keys.find(`other-${index}`)));
  t.equal(reads, before + 1);
});

t.test('creates a key for a new algorithm and verifies tokens of the former one', async (t) => {
  const token = (await instance()).tokens.sign(SUBJECT).token;
  const es256 = await instance({ algorithm: 'ES256' });
  t.ok(await es256.tokens.verify(token));
  t.same(
    es256.keys
      .published()
      .map((jwk) => jwk['alg'])
      .sort(),
    ['ES256', 'EdDSA'],
  );
  const hs256 = await instance({ algorithm: 'HS256', secretKey: `${SECRET}!` });
  t.ok(await hs256.tokens.verify(token));
  t.equal((await rows()).length, 2, 'the shared secret is not kept');
});

t.test('retires key pairs with HS256 and creates a new one afterwards', async (t) => {
  const before = await instance();
  const token = before.tokens.sign(SUBJECT).token;
  const hs256 = { algorithm: 'HS256', secretKey: `${SECRET}!` } as const;
  const [one] = await Promise.all([instance(hs256), instance(hs256)]);
  t.ok(await one.tokens.verify(token), 'a token of before is good until it runs out');
  t.same(
    one.keys.published().map((jwk) => jwk['kid']),
    [before.keys.current().kid],
  );
  clock.advance(BASE.accessTtlMs + 2 * 60_000);
  await one.keys.reload();
  t.same(one.keys.published(), [], 'then nothing is published');
  await t.rejects(one.tokens.verify(token), { code: 'TOKEN_EXPIRED' });

  const shared = one.tokens.sign(SUBJECT).token;
  const back = await instance();
  t.same(
    (await rows()).map((row) => row.kid),
    [back.keys.current().kid],
  );
  t.not(back.keys.current().kid, before.keys.current().kid);
  await t.rejects(back.tokens.verify(shared), { code: 'INVALID_TOKEN' }, 'the shared secret counts for HS256 alone');
});

t.test('decrypts keys with an old secret listed in AUTH_SECRET', async (t) => {
  const { keys } = await instance();
  t.equal((await instance({ secrets: [`new ${SECRET}`, SECRET] })).keys.current().kid, keys.current().kid);
  await t.rejects(instance({ secrets: [`new ${SECRET}`] }), { name: 'SigningSecretError' });
  await db.transaction((tx) => rotate(tx, { ...ROTATION, secrets: [`new ${SECRET}`, SECRET] }));
  t.ok(await instance({ secrets: [`new ${SECRET}`] }), 'after a rotation the new one is enough');
});

t.test('rotates a key only with the configuration that created it', async (t) => {
  const asked = (changes: object) => db.transaction((tx) => rotateManually(tx, { ...ROTATION, ...changes }));
  await t.rejects(asked({}), /there is no signing key/);
  await instance();
  const before = await rows();
  await t.rejects(asked({ secrets: [`new ${SECRET}`] }), /AUTH_SECRET: /);
  await t.rejects(asked({ algorithm: 'ES256' }), /JWT_ALGORITHM: .* EdDSA, not for ES256/);
  t.same(await rows(), before);
  const kid = await asked({ secrets: [`new ${SECRET}`, SECRET] });
  t.equal((await rows()).find((row) => row.retiredAt === null)?.kid, kid);
});

t.test('rotates the keys of access tokens and of ID tokens apart', async (t) => {
  const { keys } = await instance();
  const idTokenKeys = createIdTokenKeys({ ...BASE, algorithm: 'ES256' });
  t.same(await idTokenKeys.published(), [], 'creates a key when it is needed');
  const first = (await idTokenKeys.current()).kid;
  const options = { ...BASE, algorithm: 'ES256', purpose: 'id' } as const;
  const second = await db.transaction((tx) => rotateManually(tx, options));
  clock.advance(60_000);
  t.equal((await idTokenKeys.current()).kid, second);
  const published = (await idTokenKeys.published()).map((jwk) => jwk['kid']);
  t.same(new Set(published), new Set([first, second]));
  await keys.reload();
  t.same(
    (await rows()).map(({ kid }) => kid),
    [keys.current().kid],
    'the key of access tokens stays',
  );
});
