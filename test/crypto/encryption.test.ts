import { createCipheriv } from 'node:crypto';
import t from 'tap';
import { deriveKey } from '../../src/crypto/derive.js';
import { createEncryption } from '../../src/crypto/encryption.js';

const OLD = 'an old secret of more than thirty-two bytes';
const NEW = 'a new secret of more than thirty-two bytes';

t.test('derives stable keys that differ by secret and purpose', async (t) => {
  const keys = [deriveKey(OLD, 'refresh-token'), deriveKey(OLD, 'signing-key'), deriveKey(NEW, 'refresh-token')];
  t.equal(new Set(keys.map((key) => key.toString('hex'))).size, 3);
  t.same(deriveKey(OLD, 'signing-key'), keys[1]);
});

t.test('decrypts only with the same context', async (t) => {
  const encryption = createEncryption([OLD], 'signing-key');
  const encrypted = encryption.encrypt('a private key', 'kid');
  t.notMatch(Buffer.from(encrypted, 'base64url').toString('latin1'), 'private');
  t.equal(encryption.decrypt(encrypted, 'kid'), 'a private key');
  t.equal(encryption.decrypt(encrypted, 'another'), undefined);
  t.not(encryption.encrypt('a private key', 'kid'), encrypted, 'no two are alike');
});

t.test('rejects any modification', async (t) => {
  const encryption = createEncryption([OLD], 'signing-key');
  const bytes = Buffer.from(encryption.encrypt('a private key', 'kid'), 'base64url');
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed[index]! ^= 1;
    t.equal(encryption.decrypt(changed.toString('base64url'), 'kid'), undefined, `byte ${index}`);
  }
  t.equal(encryption.decrypt('', 'kid'), undefined);
});

t.test('encrypts with the first secret and decrypts with all', async (t) => {
  const encrypted = createEncryption([OLD], 'signing-key').encrypt('x', 'c');
  t.equal(createEncryption([NEW, OLD], 'signing-key').decrypt(encrypted, 'c'), 'x');
  t.equal(createEncryption([NEW], 'signing-key').decrypt(encrypted, 'c'), undefined);
  t.equal(
    createEncryption([NEW], 'signing-key').decrypt(createEncryption([NEW, OLD], 'signing-key').encrypt('y', 'c'), 'c'),
    'y',
  );
});

t.test('adds a version and decrypts unversioned values of release 0.1', async (t) => {
  const encryption = createEncryption([NEW, OLD], 'signing-key');
  t.equal(Buffer.from(encryption.encrypt('x', 'c'), 'base64url')[0], 1);
  const withoutVersion = (firstByte: number) => {
    const nonce = Buffer.alloc(12, firstByte);
    const cipher = createCipheriv('aes-256-gcm', deriveKey(OLD, 'signing-key'), nonce).setAAD(Buffer.from('c'));
    const encrypted = Buffer.concat([cipher.update('a private key'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
  };
  t.equal(encryption.decrypt(withoutVersion(7), 'c'), 'a private key');
  t.equal(encryption.decrypt(withoutVersion(1), 'c'), 'a private key', 'also if its nonce begins like a version');
  t.equal(encryption.decrypt(withoutVersion(1), 'd'), undefined);
});
