/** Names of cookies. */
import t from 'tap';
import { cookieName } from '../../src/fastify/cookie-name.js';

t.test('prefixes the names of Secure cookies by the rules of browsers for their path', async (t) => {
  t.equal(cookieName('latchkey-device', true, '/'), '__Host-latchkey-device');
  t.equal(cookieName('latchkey-device', true, '/auth'), '__Secure-latchkey-device');
  t.equal(cookieName('latchkey-device', false, '/'), 'latchkey-device');
  t.equal(cookieName('latchkey-device', false, '/auth'), 'latchkey-device');
});
