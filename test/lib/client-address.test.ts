import t from 'tap';
import { clientAddress, clientNetwork, clientNetworks, widestNetwork } from '../../src/lib/client-address.js';

t.test('counts an IPv4 address by itself, also if mapped into IPv6', async (t) => {
  for (const ip of [
    '203.0.113.7',
    '::ffff:203.0.113.7',
    '::FFFF:203.0.113.7',
    '::ffff:cb00:7107',
    '0:0:0:0:0:ffff:cb00:7107',
  ]) {
    t.equal(clientNetwork(ip), '203.0.113.7', ip);
  }
});

t.test('counts an IPv6 address by its /64 in every spelling', async (t) => {
  for (const ip of ['2001:db8:1:2::', '2001:db8:1:2:3:4:5:6', '2001:0DB8:0001:0002::ffff', '2001:db8:1:2::9%eth0']) {
    t.equal(clientNetwork(ip), '2001:db8:1:2::/64', ip);
  }
  t.equal(clientNetwork('2001:db8::1'), '2001:db8::/64');
  t.equal(clientNetwork('::1'), '::/64');
  t.equal(clientNetwork('fe80::1%eth0'), 'fe80::/64');
  t.equal(clientNetwork('1:0:0:2::'), '1:0:0:2::/64');
  t.not(clientNetwork('2001:db8:1:3::'), clientNetwork('2001:db8:1:2::'));
});

t.test('does not treat similar IPv6 addresses as mapped IPv4', async (t) => {
  t.equal(clientNetwork('64:ff9b::203.0.113.7'), '64:ff9b::/64');
  t.equal(clientNetwork('1::ffff:203.0.113.7'), '1::/64');
});

t.test('ignores a forwarded port', async (t) => {
  for (const ip of ['203.0.113.7:1234', '203.0.113.7:1', '[::ffff:203.0.113.7]:443', '[::ffff:cb00:7107]'])
    t.same([clientAddress(ip), clientNetwork(ip)], ['203.0.113.7', '203.0.113.7'], ip);
  for (const ip of ['[2001:db8::1]:443', '[2001:DB8:0::1]', '[2001:db8::1%eth0]:443', '2001:0db8::1'])
    t.same([clientAddress(ip), clientNetwork(ip)], ['2001:db8::1', '2001:db8::/64'], ip);
});

t.test('counts invalid addresses together', async (t) => {
  for (const ip of ['', undefined, 'unknown', '203.0.113.7:', '203.0.113.7:123456', '[203.0.113', 'x'.repeat(1000)])
    t.same([clientAddress(ip), clientNetwork(ip)], ['unknown', 'unknown'], String(ip).slice(0, 20));
});

t.test('counts failures by address and /24, or by /64, /56 and /48', async (t) => {
  t.same(clientNetworks('::ffff:203.0.113.7'), ['203.0.113.7', '203.0.113.0/24']);
  t.same(clientNetworks('2001:db8:1:2345::9'), ['2001:db8:1:2345::/64', '2001:db8:1:2300::/56', '2001:db8:1::/48']);
  t.same(clientNetworks('2001:db8::1'), ['2001:db8::/64', '2001:db8::/56', '2001:db8::/48']);
  t.same(clientNetworks('::1'), ['::/64', '::/56', '::/48']);
  t.same(clientNetworks(undefined), ['unknown']);
  t.same(['198.51.100.9', '2001:db8:1:2::', 'nonsense'].map(widestNetwork), [
    '198.51.100.0/24',
    '2001:db8:1::/48',
    'unknown',
  ]);
});
