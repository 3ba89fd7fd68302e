/** The form of API keys: what is generated is parsed, and nothing else. */
import { randomInt } from 'node:crypto';
import t from 'tap';
import { createApiKeyFormat } from '../../src/api-keys/format.js';

const format = createApiKeyFormat('sk_live_');
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

t.test('generates keys of 79 characters that parse to their id and the hash of their secret', async (t) => {
  const keys = Array.from({ length: 200 }, () => format.generate());
  for (const { key, id, prefix, secretHash } of keys) {
    t.match(key, /^sk_live_[0-9A-Za-z]{71}$/);
    t.equal(prefix, key.slice(0, 30));
    if (JSON.stringify(format.parse(key)) !== JSON.stringify({ id, secretHash })) t.fail(`does not parse: ${key}`);
  }
  t.equal(new Set(keys.map(({ key }) => key)).size, 200);
});

t.test('keeps the id of a rotated key and changes its secret', async (t) => {
  const first = format.generate();
  const second = format.generate(first.id);
  t.match(second, { id: first.id, prefix: first.prefix });
  t.not(second.secretHash, first.secretHash);
});

t.test('rejects every key with one changed, added, removed or moved character', async (t) => {
  const { key } = format.generate();
  for (let round = 0; round < 500; round += 1) {
    const at = randomInt(key.length);
    const other = BASE62[(BASE62.indexOf(key[at]!) + 1 + randomInt(60)) % 62]!;
    const mutants = [
      key.slice(0, at) + other + key.slice(at + 1),
      key.slice(0, at) + other + key.slice(at),
      key.slice(0, at) + key.slice(at + 1),
      key.slice(at) + key.slice(0, at),
    ].filter((mutant) => mutant !== key);
    const accepted = mutants.find((mutant) => format.parse(mutant) !== undefined);
    if (accepted !== undefined) t.fail(`accepts ${accepted}`);
  }
  t.pass('500 rounds');
});

t.test('rejects texts that are no key', async (t) => {
  const { key } = format.generate();
  const texts = [
    '',
    'sk_live_',
    ` ${key}`,
    `${key} `,
    `${key}, ${key}`,
    key.toUpperCase(),
    key.replace('sk_live_', 'sk_test_'),
  ];
  t.same(
    texts.filter((text) => format.parse(text) !== undefined),
    [],
  );
});

t.test('parses keys of its own prefix alone', async (t) => {
  const other = createApiKeyFormat('acme_');
  const { key } = other.generate();
  t.ok(other.parse(key));
  t.equal(format.parse(key), undefined);
  t.equal(other.isApiKey(key), true);
  t.equal(format.isApiKey(key), false);
});

t.test('matches the public rule of secret scanners that docs/api-keys.md names', async (t) => {
  const rule = /\b((?:sk|rk)_(?:test|live|prod)_[a-zA-Z0-9]{10,99})(?:[\x60'"\s;]|\\[nr]|$)/;
  const { key } = format.generate();
  t.equal(rule.exec(`API_KEY="${key}"`)?.[1], key);
});
