/** Where a sign-in at a provider may return to. */
import t from 'tap';
import { parseReturnTo } from '../../src/identities/return-to.js';

const allowed = new Set(['https://app.test', 'http://localhost:5173', 'com.example.app:']);

t.test('accepts addresses of listed origins and schemes, in canonical form', async (t) => {
  const urls = {
    'https://app.test': 'https://app.test/',
    'https://APP.test/a?b=c&state=d': 'https://app.test/a?b=c&state=d',
    'http://localhost:5173/x': 'http://localhost:5173/x',
    'com.example.app:/signed-in': 'com.example.app:/signed-in',
  };
  t.same(
    Object.keys(urls).map((url) => parseReturnTo(url, allowed)),
    Object.values(urls).map((url) => ({ url })),
  );
});

t.test('refuses everything else', async (t) => {
  const refused = [
    '',
    '/welcome',
    '//app.test/',
    'https://app.test.evil.test/',
    'https://app.test@evil.test/',
    'https://evil.test/https://app.test',
    'https://evil.test\\@app.test/',
    'https://app.test\\.evil.test/',
    'https://app.test:444/',
    'http://app.test/',
    'http://localhost:5174/',
    'https://user:pass@app.test/',
    'https://app.test/#token',
    'https://app.test/ x',
    'https://app.test/\t',
    'https://app.test/%0d%0aset-cookie:a',
    'https://app.tést/',
    'https://аpp.test/',
    'https:app.evil.test',
    'javascript:alert(1)',
    'data:text/html,x',
    'com.example.app2:/x',
    'https://app.test/?code=1',
    'https://app.test/?error=1',
    `https://app.test/${'a'.repeat(2048)}`,
  ];
  t.same(
    refused.filter((url) => 'url' in parseReturnTo(url, allowed)),
    [],
  );
});
