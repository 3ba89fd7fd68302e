import fastify from 'fastify';
import t, { type Test } from 'tap';
import { home, type HomeOptions } from '../../src/server/home.js';
import { securityHeadersPlugin } from '../../src/fastify/security-headers.js';

async function get(t: Test, options: Partial<HomeOptions> = {}) {
  const app = fastify();
  t.teardown(() => app.close());
  await app.register(securityHeadersPlugin, {
    config: { production: false, publicUrl: undefined, hstsIncludeSubdomains: true },
  });
  await app.register(home, {
    appName: 'Example <&>',
    minimal: false,
    graphiql: true,
    publicUrl: 'https://example.com/auth',
    ...options,
  });
  return app.inject('/');
}

t.test('links to the routes with relative URLs in development', async (t) => {
  const { statusCode, headers, body } = await get(t);
  t.equal(statusCode, 200);
  t.equal(headers['content-type'], 'text/html; charset=utf-8');
  t.match(headers, {
    'cache-control': 'no-store',
    'content-security-policy': /^default-src 'none'; style-src 'sha256-/,
  });
  t.match(body, '<h1>Example &lt;&amp;&gt;</h1>');
  t.match(body, 'https://example.com/auth/graphql');
  t.same(
    Array.from(body.matchAll(/href="([^"]*)"/g), ([, href]) => href),
    ['graphiql', 'healthz', 'readyz', 'metrics', '.well-known/jwks.json'],
  );
});

t.test('does not link to a disabled playground', async (t) => {
  t.notMatch((await get(t, { graphiql: false })).body, 'graphiql');
});

t.test('shows only the name of the service in production', async (t) => {
  const { statusCode, body } = await get(t, { minimal: true, graphiql: false });
  t.equal(statusCode, 200);
  t.match(body, '<h1>Example &lt;&amp;&gt;</h1>');
  t.notMatch(body, /href|latchkey|graphql|example\.com|\d+\.\d+\.\d+/i);
});
