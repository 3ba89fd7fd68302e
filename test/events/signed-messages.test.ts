import t from 'tap';
import { createMessageSigner } from '../../src/events/signed-messages.js';

const OLD = 'an old secret of more than thirty-two bytes';
const NEW = 'a new secret of more than thirty-two bytes';
const CHANNEL = 'latchkey:events';

t.test('verifies messages signed with any secret for the channel', async (t) => {
  const signer = createMessageSigner([NEW, OLD], CHANNEL);
  t.equal(signer.verify(signer.sign('missed:1')), 'missed:1');
  t.equal(signer.verify(createMessageSigner([OLD], CHANNEL).sign('x')), 'x', 'also the secret of before');
  t.equal(createMessageSigner([OLD], CHANNEL).verify(signer.sign('x')), undefined, 'the first secret signs');
  t.equal(signer.verify(createMessageSigner([NEW], 'other:events').sign('x')), undefined, 'another channel');
});

t.test('rejects modified and malformed messages', async (t) => {
  const signer = createMessageSigner([NEW], CHANNEL);
  const signed = signer.sign('missed:1');
  for (let index = 0; index < signed.length; index += 1) {
    const changed = signed.slice(0, index) + (signed[index] === 'A' ? 'B' : 'A') + signed.slice(index + 1);
    t.equal(signer.verify(changed), undefined, `character ${index}`);
  }
  for (const text of ['', 'missed:1', '.missed:1', `${'A'.repeat(43)}.`, `${'€'.repeat(43)}.x`])
    t.equal(signer.verify(text), undefined, text);
  t.equal(signer.verify(signer.sign('x'.repeat(513))), undefined, 'longer than any of ours');
});
