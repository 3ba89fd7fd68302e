/** Comparison of a requested redirect URI with the registered ones. */
import t from 'tap';
import { isLocalRedirect, isRedirectUri } from '../../src/oauth/authorization/redirect-uri.js';

const registered = ['http://127.0.0.1/callback', 'http://localhost:3000/callback', 'https://app.example.com/callback'];
const accepts = (uri: string, type: 'PUBLIC' | 'CONFIDENTIAL') =>
  isRedirectUri({ type, redirectUris: registered }, uri);

t.test('accepts another port of a loopback address for public clients only', async (t) => {
  t.ok(accepts('http://127.0.0.1:49152/callback', 'PUBLIC'));
  t.notOk(accepts('http://127.0.0.1:49152/callback', 'CONFIDENTIAL'));
});

t.test('compares everything else exactly', async (t) => {
  for (const uri of registered) t.ok(accepts(uri, 'CONFIDENTIAL'), uri);
  for (const uri of [
    'http://localhost:3001/callback',
    'http://localhost/callback',
    'http://[::1]:49152/callback',
    'https://127.0.0.1:49152/callback',
    'http://127.0.0.1:49152/callback/',
    'http://127.0.0.1:65536/callback',
    'https://app.example.com:8443/callback',
  ])
    t.notOk(accepts(uri, 'PUBLIC'), uri);
});

t.test('knows the redirects that any application on the device can receive', async (t) => {
  for (const uri of ['http://127.0.0.1:1/', 'http://[::1]/', 'http://localhost:3000/', 'com.example.app:/callback'])
    t.ok(isLocalRedirect(uri), uri);
  for (const uri of ['https://app.example.com/', 'https://localhost.example.com/', 'http://localhost.example.com/'])
    t.notOk(isLocalRedirect(uri), uri);
});
