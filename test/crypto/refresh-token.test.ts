import fc from 'fast-check';
import t from 'tap';
import { createRefreshTokens } from '../../src/crypto/refresh-token.js';

const OLD = 'an old secret of more than thirty-two bytes';
const NEW = 'a new secret of more than thirty-two bytes';
const ID = '01a1fc41-72cb-70ec-8b3d-3273bdd9312e';
const tokens = createRefreshTokens([OLD]);

t.test('issues deterministic tokens with session and generation', async () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (sessionId, generation) => {
      const token = tokens.issue(sessionId, generation);
      t.match(token, /^[\w-]{70}$/);
      t.same(tokens.verify(token), { sessionId, generation });
      t.equal(tokens.issue(sessionId, generation), token);
    }),
  );
});

t.test('rejects a token with any changed character', async (t) => {
  const token = tokens.issue(ID, 7);
  for (let index = 0; index < token.length; index += 1) {
    for (const other of ['A', 'Z', '_']) {
      if (token[index] === other) continue;
      t.equal(tokens.verify(token.slice(0, index) + other + token.slice(index + 1)), undefined, `${other} at ${index}`);
    }
  }
});

t.test('rejects a non-canonical encoding', async (t) => {
  const token = tokens.issue(ID, 7);
  for (const spelling of [`${token}=`, ` ${token}`, token.replaceAll('-', '+'), `${token}\n`]) {
    if (spelling !== token) t.equal(tokens.verify(spelling), undefined, JSON.stringify(spelling.slice(-4)));
  }
  t.equal(tokens.verify(''), undefined);
});

t.test('issues with the first secret and accepts all', async (t) => {
  const both = createRefreshTokens([NEW, OLD]);
  t.ok(both.verify(tokens.issue(ID, 1)));
  t.ok(createRefreshTokens([NEW]).verify(both.issue(ID, 1)));
  t.equal(createRefreshTokens([NEW]).verify(tokens.issue(ID, 1)), undefined);
});
