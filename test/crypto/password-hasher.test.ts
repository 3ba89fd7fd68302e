import t from 'tap';
import argon2 from 'argon2';
import { createPasswordHasher } from '../../src/crypto/password-hasher.js';

const cheap = { memoryKib: 64, timeCost: 1, parallelism: 1, concurrency: 2, queue: 100 };
const PASSWORD = 'correct horse battery staple';

t.test('creates argon2id PHC strings with the configured parameters and a new salt', async (t) => {
  const hasher = createPasswordHasher({ ...cheap, memoryKib: 128, timeCost: 3, parallelism: 2 });
  const [one, two] = await Promise.all([hasher.hash(PASSWORD), hasher.hash(PASSWORD)]);
  const [, kind, version, parameters, salt, hash] = one.split('$');
  t.same([kind, version, parameters], ['argon2id', 'v=19', 'm=128,t=3,p=2']);
  t.equal(Buffer.from(salt ?? '', 'base64').length, 16);
  t.equal(Buffer.from(hash ?? '', 'base64').length, 32);
  t.not(one, two);
});

t.test('verifies only the right password', async (t) => {
  const hasher = createPasswordHasher(cheap);
  const hash = await hasher.hash(PASSWORD);
  t.equal(await hasher.verify(hash, PASSWORD), true);
  for (const wrong of ['', `${PASSWORD} `, PASSWORD.slice(0, -1), PASSWORD.toUpperCase(), `${PASSWORD}\0`]) {
    t.equal(await hasher.verify(hash, wrong), false, JSON.stringify(wrong));
  }
  t.equal(await hasher.verifyAbsent(PASSWORD), false);
});

t.test('does not truncate passwords', async (t) => {
  const hasher = createPasswordHasher(cheap);
  const long = 'é'.repeat(256);
  const hash = await hasher.hash(long);
  t.equal(await hasher.verify(hash, long), true);
  t.equal(await hasher.verify(hash, `${long.slice(0, -1)}e`), false);
});

t.test('verifies with the parameters in the hash', async (t) => {
  const hasher = createPasswordHasher({ ...cheap, memoryKib: 128, timeCost: 2 });
  for (const parameters of [
    { memoryKib: 64, timeCost: 1 },
    { memoryKib: 512, timeCost: 4, parallelism: 2 },
  ]) {
    const hash = await createPasswordHasher({ ...cheap, ...parameters }).hash(PASSWORD);
    t.equal(await hasher.verify(hash, PASSWORD), true, hash);
    const reordered = hash.replace(/m=(\d+),t=(\d+),p=(\d+)/, 'm=$1,p=$3,t=$2');
    t.not(reordered, hash);
    t.equal(await hasher.verify(reordered, PASSWORD), true, reordered);
    t.equal(await hasher.verify(reordered, 'wrong'), false, reordered);
  }
});

t.test('requires a rehash only if a parameter was raised', async (t) => {
  const current = { ...cheap, memoryKib: 256, timeCost: 2, parallelism: 2 };
  const hasher = createPasswordHasher(current);
  const needs = async (made: object) =>
    hasher.needsRehash(await createPasswordHasher({ ...current, ...made }).hash(PASSWORD));
  t.equal(await needs({}), false, 'same');
  t.equal(await needs({ memoryKib: 128 }), true, 'memory raised');
  t.equal(await needs({ timeCost: 1 }), true, 'time raised');
  t.equal(await needs({ parallelism: 1 }), true, 'parallelism raised');
  t.equal(await needs({ memoryKib: 512, timeCost: 3, parallelism: 4 }), false, 'all lowered');
  t.equal(hasher.needsRehash(await argon2.hash(PASSWORD, { type: argon2.argon2i })), true, 'another kind');
});

t.test('rejects malformed hashes after the work of a verification', async (t) => {
  const hasher = createPasswordHasher(cheap);
  const hash = await hasher.hash(PASSWORD);
  const malformed = [
    '',
    'changed',
    '$',
    '$2b$10$abcdefghijklmnopqrstuv',
    hash.slice(0, 20),
    hash.replace('v=19', 'v=16'),
    hash.replace('m=64', 'm=x'),
    hash.replace('m=64', 't=64'),
    hash.replace('argon2id', 'argon2i'),
  ];
  for (const text of malformed) {
    const verified = hasher.verify(text, PASSWORD);
    t.same(hasher.stats(), { running: 1, waiting: 0 }, JSON.stringify(text));
    t.equal(await verified, false, JSON.stringify(text));
    t.equal(hasher.needsRehash(text), true, JSON.stringify(text));
  }
});

t.test('throws SERVICE_UNAVAILABLE with the error of argon2 as cause', async (t) => {
  const hasher = createPasswordHasher(cheap);
  const hash = await hasher.hash(PASSWORD);
  const impossible = hasher.verify(hash.replace('m=64', 'm=1'), PASSWORD);
  await t.rejects(impossible, {
    code: 'SERVICE_UNAVAILABLE',
    cause: /Memory/,
    message: /^(?!.*Memory)/,
    details: { retryAfter: 1 },
  });
  t.same(hasher.stats(), { running: 0, waiting: 0 });
});

t.test('shares one queue among hash, verify and verifyAbsent', async (t) => {
  const hasher = createPasswordHasher({ ...cheap, concurrency: 2, queue: 2 });
  const hash = await hasher.hash(PASSWORD);
  const accepted = [
    hasher.hash('one'),
    hasher.verify(hash, PASSWORD),
    hasher.verifyAbsent('three'),
    hasher.verify('', 'four'),
  ];
  t.same(hasher.stats(), { running: 2, waiting: 2 });
  const refused = [
    () => hasher.hash(PASSWORD),
    () => hasher.verify(hash, PASSWORD),
    () => hasher.verify('', PASSWORD),
    () => hasher.verifyAbsent(PASSWORD),
  ];
  for (const attempt of refused) {
    await t.rejects<unknown>(attempt, { code: 'SERVICE_UNAVAILABLE', status: 503, details: { retryAfter: 1 } });
  }
  t.match(await Promise.all(accepted), [String, true, false, false]);
  t.same(hasher.stats(), { running: 0, waiting: 0 });
});

t.test('does the same work for unknown and known accounts', async (t) => {
  const cheaper = { ...cheap, memoryKib: 1024 };
  const dearer = { ...cheap, memoryKib: 8192, timeCost: 2 };
  const { verify, hash: make } = argon2;
  /** Passes over a KiB: the work of a hash, counted instead of timed. */
  let work = 0;
  t.intercept(argon2, 'verify', {
    value: (hash: string, password: string) => {
      const [, m, passes] = /m=(\d+),t=(\d+)/.exec(hash) ?? [];
      work += Number(m) * Number(passes);
      return verify(hash, password);
    },
  });
  t.intercept(argon2, 'hash', {
    value: (password: string, options: { memoryCost: number; timeCost: number }) => {
      work += options.memoryCost * options.timeCost;
      return make(password, options);
    },
  });
  const workOf = async (attempt: () => Promise<boolean>): Promise<number> => {
    work = 0;
    t.equal(await attempt(), false);
    return work;
  };
  for (const [today, made] of [
    [dearer, dearer],
    [dearer, cheaper],
    [cheaper, dearer],
  ] as const) {
    const hasher = createPasswordHasher(today);
    const hash = await createPasswordHasher(made).hash(PASSWORD);
    const known = await workOf(() => hasher.verify(hash, 'wrong'));
    t.equal(known, 8192 * 2, 'the costliest that there is');
    t.equal(await workOf(() => hasher.verifyAbsent('wrong')), known);
    t.equal(await hasher.verify(hash, PASSWORD), true);
  }
});
