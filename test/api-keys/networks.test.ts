/** Networks of API keys: their canonical form, and the addresses in them. */
import t from 'tap';
import { isInNetworks, parseNetwork } from '../../src/api-keys/networks.js';
import { clientAddress } from '../../src/lib/client-address.js';

const CANONICAL: Record<string, string> = {
  '192.0.2.7': '192.0.2.7/32',
  '192.0.2.7/24': '192.0.2.0/24',
  '10.255.0.0/9': '10.128.0.0/9',
  '0.0.0.0/0': '0.0.0.0/0',
  '2001:DB8::1': '2001:db8::1/128',
  '2001:db8:ffff:1::/33': '2001:db8:8000::/33',
  '::/0': '::/0',
  '::ffff:192.0.2.0/120': '192.0.2.0/24',
  '::ffff:c000:201': '192.0.2.1/32',
  ' 192.0.2.0/24 ': '192.0.2.0/24',
};
for (const [text, canonical] of Object.entries(CANONICAL))
  t.test(`reads ${text}`, async (t) => t.equal(parseNetwork(text), canonical));

t.test('rejects texts that are no network', async (t) => {
  const texts = [
    '',
    'x',
    '192.0.2.0/33',
    '2001:db8::/129',
    '192.0.2/24',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '192.0.2.0/24/8',
  ];
  const more = [
    'fe80::1%eth0/64',
    '::ffff:192.0.2.0/90',
    'example.com',
    '192.0.2.0/24,10.0.0.0/8',
    '[::1]/128',
    '010.0.0.1/8',
  ];
  t.same(
    [...texts, ...more].filter((text) => parseNetwork(text) !== undefined),
    [],
  );
});

t.test('finds addresses in networks of both families', async (t) => {
  const networks = ['192.0.2.0/24', '2001:db8:1::/48'];
  const inside = [
    '192.0.2.0',
    '192.0.2.255',
    '::ffff:192.0.2.9',
    '::ffff:c000:209',
    '2001:db8:1::',
    '2001:db8:1:ffff::1',
  ];
  const outside = ['192.0.3.0', '2001:db8:2::1', '::ffff:192.0.3.1', 'unknown', ''];
  for (const address of inside) t.ok(isInNetworks(clientAddress(address), networks), address);
  for (const address of outside) t.notOk(isInNetworks(clientAddress(address), networks), address);
  t.ok(isInNetworks('unknown', []), 'no networks: all addresses');
});
