import { createHash } from 'node:crypto';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import type { ClientInfo } from '../../src/client-info.js';
import { AppError, serviceUnavailable, validationError } from '../../src/errors.js';
import { pages, type PagesOptions } from '../../src/http/pages.js';
import { securityHeadersPlugin } from '../../src/http/security-headers.js';

const TOKEN = 'a-token_of-43-characters-AAAAAAAAAAAAAAAAAA';
const RESET = { token: TOKEN, password: 'a quiet brass telescope', passwordConfirmation: 'a quiet brass telescope' };
const FORM = 'application/x-www-form-urlencoded';
const PATHS = ['/reset-password', '/verify-email'] as const;

type Call = readonly [what: 'resetPassword' | 'verifyEmail', input: unknown, client: ClientInfo];

/** The pages on a bare server, and what they asked for. `outcome` is what each call comes to. */
async function start(t: Test, outcome: () => void = () => undefined) {
  const calls: Call[] = [];
  const app = fastify();
  t.teardown(() => app.close());
  app.setErrorHandler((error, _request, reply) =>
    reply.code(500).send({ thrownOn: error instanceof Error ? error.message : error }),
  );
  const options: PagesOptions = {
    minPasswordLength: 12,
    async resetPassword(input, client) {
      calls.push(['resetPassword', input, client]);
      outcome();
    },
    async verifyEmail(token, client) {
      calls.push(['verifyEmail', token, client]);
      outcome();
    },
  };
  await app.register(securityHeadersPlugin, { config: { production: false, publicUrl: undefined } });
  await app.register(pages, options);
  const post = (url: string, fields: Record<string, string>, type = FORM) =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': type, 'user-agent': 'Tap/1' },
      payload: new URLSearchParams(fields).toString(),
    });
  return { app, calls, post, get: (url: string) => app.inject(url) };
}

const failing = (error: unknown) => () => {
  throw error;
};

/** The attributes of the element that has this name. */
function field(html: string, name: string): string {
  return new RegExp(`<(?:input|form|button)\\b[^>]*\\bname="${name}"[^>]*>`).exec(html)?.[0] ?? '';
}

t.test('a GET shows a form with the token and asks for nothing', async (t) => {
  const { get, calls } = await start(t);
  for (const path of PATHS) {
    const response = await get(`${path}?token=${TOKEN}`);
    t.equal(response.statusCode, 200);
    t.equal(response.headers['content-type'], 'text/html; charset=utf-8');
    t.match(field(response.body, 'token'), `type="hidden" name="token" value="${TOKEN}"`);
    t.match(response.body, `<form method="post" action="${path.slice(1)}">`, 'relative, and without the query');
    t.match(response.body, '<button type="submit">');
    t.notMatch(response.body, 'role="alert"');
  }
  t.same(calls, []);
});

t.test('the form asks for the password twice, so that people, readers and managers of passwords know', async (t) => {
  const { get } = await start(t);
  const { body } = await get(`/reset-password?token=${TOKEN}`);
  t.match(body, /^<!doctype html>\n<html lang="en">/);
  t.match(body, '<meta name="viewport" content="width=device-width, initial-scale=1">');
  t.match(body, '12 characters or more.');
  for (const name of ['password', 'passwordConfirmation']) {
    t.match(body, `<label for="${name}">`);
    t.match(field(body, name), `id="${name}"`);
    t.match(field(body, name), 'type="password" autocomplete="new-password" required minlength="12"');
  }
  t.match(field(body, 'password'), 'aria-describedby="password-hint"');
  t.match(body, 'id="password-hint"');
});

t.test('the policy lets the one stylesheet in, the form out, and nothing else', async (t) => {
  const { get, post } = await start(t);
  for (const { body, headers } of [
    await get(`/reset-password?token=${TOKEN}`),
    await get('/verify-email'),
    await post('/reset-password', RESET),
  ]) {
    const styles = Array.from(body.matchAll(/<style>([^]*?)<\/style>/g), ([, style]) => style!);
    t.equal(styles.length, 1);
    const hash = createHash('sha256').update(styles[0]!).digest('base64');
    t.equal(
      headers['content-security-policy'],
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    );
    t.match(styles[0], 'color-scheme: light dark');
    t.match(styles[0], 'prefers-color-scheme: dark');
    t.notMatch(body, /<script|\sstyle=|\son\w+=|\ssrc=|url\(|@import|https?:/i);
    t.match(headers, { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  }
});

t.test('without a good token the page says that the link is incomplete, and nothing is asked for', async (t) => {
  const { get, post, calls } = await start(t);
  const bad = ['', 'a b', 'a.b', '"><script>', 'ä', 'x'.repeat(65)];
  for (const path of PATHS) {
    const answers = [
      await get(path),
      await get(`${path}?token=a&token=b`),
      await post(path, {}),
      ...(await Promise.all(bad.map((token) => get(`${path}?${new URLSearchParams({ token }).toString()}`)))),
      ...(await Promise.all(bad.map((token) => post(path, { ...RESET, token })))),
    ];
    for (const { statusCode, body } of answers) {
      t.equal(statusCode, 400);
      t.match(body, '<h1>This link is incomplete</h1>');
      t.notMatch(body, /<form|<script/);
    }
    t.equal((await get(`${path}?token=${'x'.repeat(64)}`)).statusCode, 200);
  }
  t.same(calls, []);
});

t.test('what was typed is handed on as it is, with where it came from', async (t) => {
  const { post, calls } = await start(t);
  const password = ' ünï+cödé & 100% "<b>" ';
  const reset = await post('/reset-password', { token: TOKEN, password, passwordConfirmation: `${password}x` });
  const verified = await post('/verify-email', { token: TOKEN });
  const client = { ipAddress: '127.0.0.1', network: '127.0.0.1', userAgent: 'Tap/1' };
  t.same(calls, [
    ['resetPassword', { token: TOKEN, password, passwordConfirmation: `${password}x` }, client],
    ['verifyEmail', TOKEN, client],
  ]);
  t.match(reset, { statusCode: 200, body: '<h1>Your password was changed</h1>' });
  t.match(verified, { statusCode: 200, body: '<h1>Your e-mail address is confirmed</h1>' });
  for (const { body } of [reset, verified]) t.notMatch(body, /<form|role="alert"/);
});

t.test('fields that were left out are empty', async (t) => {
  const { post, calls } = await start(t);
  await post('/reset-password', { token: TOKEN });
  t.same(calls[0]?.[1], { token: TOKEN, password: '', passwordConfirmation: '' });
});

t.test('faults stand beside their fields, with the token kept and the password gone', async (t) => {
  const faults = [
    { field: 'password', message: 'must be <at> least 12 characters' },
    { field: 'password', message: 'is guessed soon' },
    { field: 'passwordConfirmation', message: 'must be the same' },
    { field: 'token', message: 'is <odd>' },
  ];
  const { post } = await start(t, failing(validationError(faults)));
  const { statusCode, body } = await post('/reset-password', RESET);
  t.equal(statusCode, 400);
  t.match(
    body,
    '<p class="fault" id="password-fault">This must be &lt;at&gt; least 12 characters. This is guessed soon.</p>',
  );
  t.match(body, '<p class="fault" id="passwordConfirmation-fault">This must be the same.</p>');
  t.match(field(body, 'password'), 'aria-describedby="password-hint password-fault" aria-invalid="true"');
  t.match(field(body, 'passwordConfirmation'), 'aria-describedby="passwordConfirmation-fault" aria-invalid="true"');
  t.match(body, /<div class="trouble" role="alert">.*<p>The link is &lt;odd&gt;\.<\/p><\/div>/);
  t.match(body, '<title>Error: Choose a new password</title>');
  t.match(field(body, 'token'), `value="${TOKEN}"`);
  t.notMatch(body, RESET.password);
  t.notMatch(field(body, 'password'), 'value=');
});

t.test('an address that is taken by now is told', async (t) => {
  const { post } = await start(t, failing(validationError([{ field: 'email', message: 'is taken' }])));
  const { statusCode, body } = await post('/verify-email', { token: TOKEN });
  t.equal(statusCode, 400);
  t.match(body, /<div class="trouble" role="alert">.*<p>The e-mail address is taken\.<\/p>/);
  t.match(field(body, 'token'), `value="${TOKEN}"`);
});

t.test('a token that is spent is told, and there is no form for another try', async (t) => {
  const { post } = await start(t, failing(new AppError('INVALID_TOKEN', 'Not valid.')));
  for (const path of PATHS) {
    const { statusCode, body } = await post(path, RESET);
    t.equal(statusCode, 401);
    t.match(body, '<h1>This link is no longer good</h1>\n<p role="alert">');
    t.notMatch(body, '<form');
  }
});

t.test('who has to wait is told for how long, and can try again from the page', async (t) => {
  for (const [error, status, retryAfter] of [
    [new AppError('RATE_LIMIT_EXCEEDED', 'Too <many>.', { retryAfter: 90 }), 429, '90'],
    [new AppError('RATE_LIMIT_EXCEEDED', 'Too <many>.'), 429, '1'],
    [serviceUnavailable('Too <many>.', 7), 503, '7'],
  ] as const) {
    const { post } = await start(t, failing(error));
    for (const path of PATHS) {
      const { statusCode, body, headers } = await post(path, RESET);
      t.equal(statusCode, status);
      t.equal(headers['retry-after'], retryAfter);
      t.match(body, '<div class="trouble" role="alert"><p>Too &lt;many&gt;.</p></div>');
      t.match(field(body, 'token'), `value="${TOKEN}"`);
      t.notMatch(body, RESET.password);
    }
  }
});

t.test('a database that is away is a 503 in the page; anything unexpected is for the app to answer', async (t) => {
  const away = await start(t, failing(Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' })));
  const { statusCode, body, headers } = await away.post('/verify-email', { token: TOKEN });
  t.equal(statusCode, 503);
  t.ok(Number(headers['retry-after']) >= 1);
  t.match(body, 'role="alert"');
  t.notMatch(body, 'hunter2');

  for (const error of [new Error('a fault'), new AppError('INSUFFICIENT_PERMISSIONS', 'a fault')]) {
    const broken = await start(t, failing(error));
    for (const path of PATHS) {
      const response = await broken.post(path, RESET);
      t.equal(response.statusCode, 500);
      t.same(response.json(), { thrownOn: 'a fault' });
    }
  }
});

t.test('what is refused before the form is read has a page too', async (t) => {
  const { app, get, post, calls } = await start(t);
  app.addHook('onRequest', async () => {
    throw new AppError('RATE_LIMIT_EXCEEDED', 'Too many <requests>.', { retryAfter: 5 });
  });
  for (const path of PATHS) {
    for (const { statusCode, headers, body } of [await get(`${path}?token=${TOKEN}`), await post(path, RESET)]) {
      t.equal(statusCode, 429);
      t.match(headers, { 'retry-after': '5', 'content-security-policy': /style-src 'sha256-/ });
      t.match(body, '<p role="alert">Too many &lt;requests&gt;.</p>');
    }
  }
  t.same(calls, []);
});

t.test('only forms are read, and short ones; other routes keep their own bodies', async (t) => {
  const { app, post, calls } = await start(t);
  app.post('/json', (request) => request.body);
  const json = await app.inject({ method: 'POST', url: '/json', payload: { a: 1 } });
  t.same(json.json(), { a: 1 });
  const elsewhere = await post('/json', { a: '1' });
  t.match(elsewhere.json(), { thrownOn: /Unsupported Media Type/ });

  const asJson = await app.inject({ method: 'POST', url: '/reset-password', payload: RESET });
  t.match(asJson.json(), { thrownOn: /Unsupported Media Type/ });
  const asText = await post('/verify-email', RESET, 'text/plain');
  t.match(asText.json(), { thrownOn: /Unsupported Media Type/ });
  const long = await post('/reset-password', { ...RESET, password: 'x'.repeat(8192) });
  t.match(long.json(), { thrownOn: /too large/ });
  t.same(calls, []);

  const longest = '𝒳'.repeat(256);
  t.equal(
    (await post('/reset-password', { token: TOKEN, password: longest, passwordConfirmation: longest })).statusCode,
    200,
  );
  t.equal(calls.length, 1, 'the longest password fits');
});
