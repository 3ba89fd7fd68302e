import { join } from 'node:path';
import fastify from 'fastify';
import t from 'tap';
import { graphiql, GRAPHIQL_CSP } from '../../src/pages/playground.js';
import { securityHeadersPlugin } from '../../src/fastify/security-headers.js';
import { startTestApp } from '../helpers/app.js';
import { listen } from '../helpers/server.js';

const assetsDir = join(import.meta.dirname, '../../dist/graphiql');
const server = fastify();
t.teardown(() => server.close());
await server.register(securityHeadersPlugin, {
  config: { production: true, publicUrl: undefined, hstsIncludeSubdomains: true },
});
await server.register(graphiql, { assetsDir });
const get = (url: string, headers = {}) => server.inject({ url, headers });
const page = await get('/graphiql');

/** The content types that browsers require with `nosniff`. */
const TYPES: Readonly<Record<string, RegExp>> = {
  js: /^(?:text|application)\/javascript/,
  css: /^text\/css/,
  svg: /^image\/svg\+xml/,
  ttf: /^font\/ttf/,
};

t.test('sets a Content-Security-Policy that allows inline styles only, and no other origin', async (t) => {
  t.equal(page.statusCode, 200);
  t.match(page.headers['content-type'], /^text\/html/);
  t.equal(page.headers['content-security-policy'], GRAPHIQL_CSP);
  t.equal(page.headers['cache-control'], 'no-cache');
  t.equal(page.headers['x-content-type-options'], 'nosniff', 'the other headers stay');
  const inline = GRAPHIQL_CSP.split('; ').filter((directive) => directive.includes('unsafe'));
  t.same(inline, ["style-src 'self' 'unsafe-inline'"]);
  t.notMatch(GRAPHIQL_CSP, /\*|https?:|blob:/);
});

t.test('contains no inline scripts and only relative URLs', async (t) => {
  t.notMatch(page.body, /<script(?![^>]* src=)/);
  t.notMatch(page.body, /\/\//);
  t.notMatch(page.body, /(?:src|href)="\//);
});

t.test('serves every referenced asset as immutable, with its content type', async (t) => {
  const found = new Set(Array.from(page.body.matchAll(/(?:src|href)="([^"]+)/g), ([, url]) => `/${url}`));
  for (const url of found) {
    const { statusCode, headers, body } = await get(url);
    t.equal(statusCode, 200, url);
    t.match(headers['content-type'], TYPES[url.split('.').at(-1) ?? ''], url);
    t.equal(headers['cache-control'], 'public, max-age=31536000, immutable', url);
    t.match(headers['content-security-policy'], "default-src 'none'", url);
    if (!/\.(?:js|css)$/.test(url)) continue;
    t.notMatch(body, /unpkg\.com|jsdelivr\.net|cdnjs|esm\.sh|fonts\.googleapis/, url);
    for (const [name] of body.matchAll(/(?<=["'(]\.\/)[\w.-]+-[A-Z0-9]{8}\.\w+/g)) {
      found.add(`/graphiql/assets/${name}`);
    }
  }
  const names = [...found].join(' ');
  for (const part of ['main', 'icon', 'codicon', 'editor.worker', 'graphql.worker', 'json.worker'])
    t.match(names, part);
});

t.test('compresses assets for clients that accept it', async (t) => {
  const url = `/${/(?<=src=")[^"]+/.exec(page.body)![0]}`;
  const plain = await get(url);
  const compressed = await get(url, { 'accept-encoding': 'gzip, br' });
  t.equal(plain.headers['content-encoding'], undefined);
  t.equal(compressed.headers['content-encoding'], 'gzip');
  t.equal(compressed.headers['content-type'], plain.headers['content-type']);
  t.match(compressed.headers.vary, /accept-encoding/i);
  t.ok(compressed.rawPayload.length * 2 < plain.rawPayload.length);
});

t.test('serves no other file', async (t) => {
  const asset = /(?<=src="graphiql\/assets\/)[^"]+/.exec(page.body)?.[0] ?? '';
  for (const path of [
    '',
    'nothing.js',
    `${asset}.gz`,
    '../index.html',
    '..%2findex.html',
    '%2e%2e/index.html',
    '..%2f..%2f..%2fpackage.json',
    '..%5cindex.html',
    `x/..%2f${asset}`,
    `${asset}%00`,
  ]) {
    t.match((await get(`/graphiql/assets/${path}`)).statusCode, 404, path);
  }
  t.equal((await get('/graphiql/inputs.sha256')).statusCode, 404);
  t.equal((await get('/graphiql/index.html')).statusCode, 404);
  t.equal((await server.inject({ method: 'POST', url: '/graphiql' })).statusCode, 404);
});

t.test('fails to start if the playground is not built', async (t) => {
  const other = fastify();
  t.teardown(() => other.close());
  other.register(graphiql, { assetsDir: join(t.testdir({}), 'graphiql') });
  await t.rejects(async () => other.ready(), { message: /npm run build/ });
});

t.test('serves its files without a warning of too many listeners', async (t) => {
  const app = await startTestApp(t);
  const origin = `http://127.0.0.1:${await listen(app.server)}`;
  const warnings: Error[] = [];
  const record = (warning: Error) => void warnings.push(warning);
  process.on('warning', record);
  t.teardown(() => process.off('warning', record));
  const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file!);
  for (const file of files) await (await fetch(`${origin}/${file}`)).arrayBuffer();
  t.same(warnings, []);
});
