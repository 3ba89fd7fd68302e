import t from 'tap';
import { securityHeaders } from '../../src/fastify/security-headers.js';
import { startTestServer } from '../helpers/server.js';

t.test('sets the headers on every response, including errors, and names no server software', async (t) => {
  const { app } = startTestServer(t);
  app.get('/', () => ({}));
  app.get('/fail', () => {
    throw new Error('x');
  });
  for (const url of ['/', '/fail', '/nowhere']) {
    const { headers } = await app.inject(url);
    t.match(headers, {
      'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    t.notHas(headers, { 'x-powered-by': String });
    t.notHas(headers, { server: String });
    t.notHas(headers, { 'strict-transport-security': String });
  }
});

t.test('keeps the policy that a page sets', async (t) => {
  const { app } = startTestServer(t);
  app.get('/page', (_request, reply) => reply.header('content-security-policy', "default-src 'self'").send('page'));
  t.equal((await app.inject('/page')).headers['content-security-policy'], "default-src 'self'");
});

t.test('sends HSTS in production if PUBLIC_URL uses HTTPS, with subdomains unless disabled', async (t) => {
  const hsts = (production: boolean, publicUrl: string | undefined, hstsIncludeSubdomains = true) =>
    securityHeaders({ production, publicUrl, hstsIncludeSubdomains })['strict-transport-security'];
  t.equal(hsts(true, 'https://auth.example.com'), 'max-age=31536000; includeSubDomains');
  t.equal(hsts(true, 'https://auth.example.com', false), 'max-age=31536000');
  t.equal(hsts(true, 'http://auth.example.com'), undefined);
  t.equal(hsts(true, undefined), undefined);
  t.equal(hsts(false, 'https://auth.example.com'), undefined);
});
