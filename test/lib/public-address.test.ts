import t from 'tap';
import { isPublicAddress } from '../../src/lib/public-address.js';

t.test('accepts global unicast addresses', async (t) => {
  for (const address of [
    '93.184.216.34',
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '2606:2800:220::1',
  ])
    t.equal(isPublicAddress(address), true, address);
});

t.test(
  'refuses loopback, private, shared, link-local, documentation, translated and multicast addresses',
  async (t) => {
    for (const address of [
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.254',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
      '192.0.0.192',
      '192.168.1.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      '::ffff:10.0.0.1',
      '::ffff:93.184.216.34',
      '64:ff9b::a00:1',
      'fc00::1',
      'fd00:ec2::254',
      'fe80::1',
      'fe80::1%eth0',
      'ff02::1',
      '2001::1',
      '2001:db8::1',
      '2002:a00:1::',
      '3fff::1',
      'localhost',
      '',
      '[::1]',
      '0x7f.1',
      '2130706433',
    ])
      t.equal(isPublicAddress(address), false, address);
  },
);
