import { createHash } from 'node:crypto';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import type { ClientInfo } from '../../src/lib/client-info.js';
import { AppError, serviceUnavailable, validationError } from '../../src/lib/errors.js';
import { formKey } from '../../src/pages/link-cookie.js';
import type { CancelledChange, LinkOutcome } from '../../src/pages/messages.js';
import type { FactorOnPage } from '../../src/passwords/reset.js';
import { pages, type PagesOptions } from '../../src/pages/routes.js';
import { cookiePlugin } from '../../src/fastify/refresh-cookie.js';
import { securityHeadersPlugin } from '../../src/fastify/security-headers.js';
import { mailedPage } from '../helpers/mailed-page.js';

const TOKEN = 'a-token_of-43-characters-AAAAAAAAAAAAAAAAAA';
const OTHER = 'b-token_of-43-characters-BBBBBBBBBBBBBBBBBB';
const PASSWORDS = { password: 'a quiet brass telescope', passwordConfirmation: 'a quiet brass telescope' };
const FORM = 'application/x-www-form-urlencoded';
const PATHS = ['/reset-password', '/verify-email', '/cancel-email-change'] as const;

const CANCELLED: CancelledChange = { kind: 'email', alreadyDone: false, passwordVoided: false };

type Call = readonly [
  what: 'resetPassword' | 'verifyEmail' | 'rejectEmail' | 'cancelChange',
  input: unknown,
  client: ClientInfo,
];

/** The pages on a bare server with a record of service calls. `result` is the result of each call. */
async function start(
  t: Test,
  result: () => void = () => undefined,
  { pagesUrl = 'http://auth.test', appName = 'Example', outcome, cancelled = CANCELLED, factor = 'none' }: Started = {},
) {
  const calls: Call[] = [];
  const app = fastify();
  t.teardown(() => app.close());
  app.setErrorHandler((error, _request, reply) =>
    reply.code(500).send({ thrownOn: error instanceof Error ? error.message : error }),
  );
  const call =
    (what: Call[0]) =>
    async (input: unknown, client: ClientInfo): Promise<void> => {
      calls.push([what, input, client]);
      result();
    };
  const options: PagesOptions = {
    appName,
    minPasswordLength: 12,
    pagesUrl,
    origins: ['http://auth.test'],
    outcomeOf: async () => outcome,
    factorOnPage: async () => factor,
    resetPassword: call('resetPassword'),
    verifyEmail: call('verifyEmail'),
    rejectEmail: call('rejectEmail'),
    signIn: undefined,
    cancelChange: (token, client) => call('cancelChange')(token, client).then(() => cancelled),
  };
  await app.register(securityHeadersPlugin, {
    config: { production: false, publicUrl: undefined, hstsIncludeSubdomains: true },
  });
  await app.register(cookiePlugin);
  await app.register(pages, options);
  const person = mailedPage(app);
  /** Opens a link and sends its form. */
  const act = async (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) => {
    await person.open(`${path}?token=${TOKEN}`);
    return person.press(fields, headers);
  };
  return { app, calls, person, act, get: (url: string) => app.inject(url) };
}

interface Started {
  readonly pagesUrl?: string;
  readonly appName?: string;
  readonly outcome?: LinkOutcome;
  readonly cancelled?: CancelledChange;
  readonly factor?: FactorOnPage;
}

const failing = (error: unknown) => () => {
  throw error;
};

/** The tag of the element with this name. */
function field(html: string, name: string): string {
  return new RegExp(`<(?:input|form|button)\\b[^>]*\\bname="${name}"[^>]*>`).exec(html)?.[0] ?? '';
}

t.test('redirects a link to a URL without the token and stores the token in a short-lived cookie', async (t) => {
  const { get, app, calls } = await start(t);
  for (const path of PATHS) {
    const response = await get(`${path}?token=${TOKEN}&utm_source=mail`);
    t.equal(response.statusCode, 303);
    t.equal(response.headers.location, path.slice(1), 'relative, and without the query');
    t.equal(response.body, '');
    t.match(response.headers, { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    t.equal(
      response.headers['set-cookie'],
      `latchkey-${path.slice(1)}=${TOKEN}; Max-Age=900; Path=/; HttpOnly; SameSite=Lax`,
    );
    const head = await app.inject({ method: 'HEAD', url: `${path}?token=${TOKEN}` });
    t.equal(head.statusCode, 303);
  }
  t.same(calls, [], 'a GET consumes nothing');
});

t.test('sets a Secure cookie with https, bound to the host or to the path', async (t) => {
  for (const [pagesUrl, prefix, path] of [
    ['https://auth.example.com', '__Host-', '/'],
    ['https://example.com/auth', '__Secure-', '/auth'],
  ] as const) {
    const { get } = await start(t, undefined, { pagesUrl });
    t.equal(
      (await get(`/verify-email?token=${TOKEN}`)).headers['set-cookie'],
      `${prefix}latchkey-verify-email=${TOKEN}; Max-Age=900; Path=${path}; HttpOnly; Secure; SameSite=Lax`,
    );
  }
});

t.test('shows a form without the token, and consumes nothing', async (t) => {
  const { person, calls } = await start(t);
  for (const path of PATHS) {
    const response = await person.open(`${path}?token=${TOKEN}`);
    t.equal(response.statusCode, 200);
    t.equal(response.headers['content-type'], 'text/html; charset=utf-8');
    t.notMatch(response.body, TOKEN);
    t.match(field(response.body, 'link'), `type="hidden" name="link" value="${formKey(TOKEN)}"`);
    t.match(response.body, `<form method="post" action="${path.slice(1)}">`, 'relative, and without the query');
    t.match(response.body, '<button type="submit"');
    t.notMatch(response.body, 'role="alert"');
  }
  t.same(calls, []);
});

t.test('labels both password fields of the reset form for people and password managers', async (t) => {
  const { person } = await start(t);
  const { body } = await person.open(`/reset-password?token=${TOKEN}`);
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

t.test('asks on the confirmation page whether the reader owns the account, and names the service', async (t) => {
  const { person } = await start(t, undefined, { appName: 'A <b>&"Ünï" Co' });
  const { body } = await person.open(`/verify-email?token=${TOKEN}`);
  t.match(body, 'Did you create an account at A &lt;b&gt;&amp;&quot;Ünï&quot; Co with this email address');
  t.match(body, '<button type="submit" name="answer" value="yes">Yes, confirm my address</button>');
  t.match(body, '<button type="submit" name="answer" value="no" class="second">No, this was not me</button>');
});

t.test('allows only the stylesheet and forms to this origin by Content-Security-Policy', async (t) => {
  const { person, get, act } = await start(t);
  for (const { body, headers } of [
    await person.open(`/reset-password?token=${TOKEN}`),
    await get('/verify-email'),
    await act('/reset-password', PASSWORDS),
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

t.test('explains a malformed token and sets no cookie', async (t) => {
  const { get, calls } = await start(t);
  const bad = ['', 'a b', 'a.b', '"><script>', 'ä', 'x'.repeat(65), 'a\r\nSet-Cookie: a=b'];
  for (const path of PATHS) {
    const answers = [
      await get(`${path}?token=a&token=b`),
      ...(await Promise.all(bad.map((token) => get(`${path}?${new URLSearchParams({ token }).toString()}`)))),
    ];
    for (const { statusCode, body, headers } of answers) {
      t.equal(statusCode, 400);
      t.equal(headers['set-cookie'], undefined);
      t.match(body, '<h1>This link is incomplete</h1>');
      t.notMatch(body, /<form|<script/);
    }
    t.equal((await get(`${path}?token=${'x'.repeat(64)}`)).statusCode, 303);
  }
  t.same(calls, []);
});

t.test('asks to open the link again without the cookie, and ignores the form', async (t) => {
  const { get, person, calls } = await start(t);
  for (const path of PATHS) {
    t.match(await get(path), { statusCode: 400, body: '<h1>Open the link again</h1>' });
    await person.open(`${path}?token=${TOKEN}`);
    person.jar.clear();
    t.match(await person.press(PASSWORDS), { statusCode: 400, body: '<h1>Open the link again</h1>' });
    person.jar.set(`latchkey-${path.slice(1)}`, 'not a "token"');
    t.equal((await person.press(PASSWORDS)).statusCode, 400, 'a malformed cookie');
  }
  t.same(calls, []);
});

t.test('rejects a form if another link was opened after it was shown', async (t) => {
  const { person, calls, app } = await start(t);
  await person.open(`/reset-password?token=${TOKEN}`);
  // As if an attacker's page opened the attacker's link in this browser.
  const planted = await app.inject(`/reset-password?token=${OTHER}`);
  for (const { name, value } of planted.cookies) person.jar.set(name, value);
  const { statusCode, body } = await person.press(PASSWORDS);
  t.equal(statusCode, 409);
  t.match(body, '<h1>Another link was opened</h1>');
  t.same(calls, []);
});

t.test('rejects forms of other sites, even with the token and the form key', async (t) => {
  const { act, calls } = await start(t);
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://auth.test' },
  ] as Record<string, string>[]) {
    t.match(await act('/verify-email', {}, headers), { statusCode: 403, body: 'sent from another site' });
  }
  t.same(calls, []);
});

t.test('checks the Origin of a browser without Fetch Metadata', async (t) => {
  const { app, person } = await start(t);
  await person.open(`/verify-email?token=${TOKEN}`);
  const cookie = [...person.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  for (const [origin, status] of [
    ['http://evil.test', 403],
    ['http://auth.test.evil.test', 403],
    ['http://auth.test', 200],
    // Browsers send this from pages with Referrer-Policy: no-referrer.
    ['null', 200],
    [undefined, 200],
  ] as const) {
    const response = await app.inject({
      method: 'POST',
      url: '/verify-email',
      headers: { 'content-type': FORM, cookie, ...(origin === undefined ? {} : { origin }) },
      payload: new URLSearchParams({ link: formKey(TOKEN) }).toString(),
    });
    t.equal(response.statusCode, status, String(origin));
  }
});

t.test('passes the submitted values unchanged to the services, with the client', async (t) => {
  const { act, calls } = await start(t);
  const password = ' ünï+cödé & 100% "<b>" ';
  const reset = await act('/reset-password', { password, passwordConfirmation: `${password}x` });
  const verified = await act('/verify-email', { answer: 'yes' });
  const rejected = await act('/verify-email', { answer: 'no' });
  const client = { ipAddress: '127.0.0.1', network: '127.0.0.1', userAgent: 'Tap/1' };
  t.same(calls, [
    ['resetPassword', { token: TOKEN, password, passwordConfirmation: `${password}x` }, client],
    ['verifyEmail', TOKEN, client],
    ['rejectEmail', TOKEN, client],
  ]);
  t.match(reset, { statusCode: 200, body: '<h1>Your password was changed</h1>' });
  t.match(verified, { statusCode: 200, body: '<h1>Your email address is confirmed</h1>' });
  t.match(rejected, { statusCode: 200, body: '<h1>Your email address was removed</h1>' });
  for (const { body } of [reset, verified, rejected]) t.notMatch(body, /<form|role="alert"/);
});

t.test('treats missing passwords as empty, and a missing answer as a confirmation', async (t) => {
  const { act, calls } = await start(t);
  await act('/reset-password');
  await act('/verify-email');
  t.same(
    calls.map(([what, input]) => [what, input]),
    [
      ['resetPassword', { token: TOKEN, password: '', passwordConfirmation: '' }],
      ['verifyEmail', TOKEN],
    ],
  );
});

t.test('asks for a code beside the new password if the account has codes', async (t) => {
  const details = [{ field: 'code', message: 'is <needed>' }];
  const { act, calls, person } = await start(t, failing(validationError(details)), { factor: 'code' });
  const { body } = await person.open(`/reset-password?token=${TOKEN}`);
  t.match(field(body, 'code'), 'type="text" autocomplete="one-time-code"');
  t.match(body, '<label for="code">');
  const refused = await act('/reset-password', { ...PASSWORDS, code: '123 456' });
  t.match(calls, [['resetPassword', { token: TOKEN, code: '123 456' }, {}]]);
  t.match(refused.body, '<p class="error" id="code-error">This is &lt;needed&gt;.</p>');
  t.notMatch(field(refused.body, 'code'), 'value=');
});

t.test('says that a new password needs the passkey, which the page cannot ask for', async (t) => {
  const { act, person } = await start(t, undefined, { factor: 'passkey' });
  const { body } = await person.open(`/reset-password?token=${TOKEN}`);
  t.match(body, 'Your account has a passkey. After the change, sign in with the new password and the passkey.');
  t.equal(field(body, 'code'), '');
  t.match((await act('/reset-password', PASSWORDS)).body, 'Sign in with the new password and your passkey');
});

t.test('shows errors next to their fields, and fills in no password', async (t) => {
  const details = [
    { field: 'password', message: 'must be <at> least 12 characters' },
    { field: 'password', message: 'is too common' },
    { field: 'passwordConfirmation', message: 'must be the same' },
    { field: 'token', message: 'is <odd>' },
  ];
  const { act } = await start(t, failing(validationError(details)));
  const { statusCode, body } = await act('/reset-password', PASSWORDS);
  t.equal(statusCode, 400);
  t.match(
    body,
    '<p class="error" id="password-error">This must be &lt;at&gt; least 12 characters. This is too common.</p>',
  );
  t.match(body, '<p class="error" id="passwordConfirmation-error">This must be the same.</p>');
  t.match(field(body, 'password'), 'aria-describedby="password-hint password-error" aria-invalid="true"');
  t.match(field(body, 'passwordConfirmation'), 'aria-describedby="passwordConfirmation-error" aria-invalid="true"');
  t.match(body, /<div class="issue" role="alert">.*<p>The link is &lt;odd&gt;\.<\/p><\/div>/);
  t.match(body, '<title>Error: Choose a new password</title>');
  t.match(field(body, 'link'), formKey(TOKEN));
  t.notMatch(body, PASSWORDS.password);
  t.notMatch(field(body, 'password'), 'value=');
});

t.test('explains that another account has the address', async (t) => {
  const { act } = await start(t, failing(validationError([{ field: 'email', message: 'is taken' }])));
  const { statusCode, body } = await act('/verify-email');
  t.equal(statusCode, 400);
  t.match(body, /<div class="issue" role="alert">.*<p>The email address is taken\.<\/p>/);
  t.match(field(body, 'link'), formKey(TOKEN));
});

t.test('explains an invalid token without showing the form again', async (t) => {
  const { act } = await start(t, failing(new AppError('INVALID_TOKEN', 'Not valid.')));
  for (const path of PATHS) {
    const { statusCode, body } = await act(path, PASSWORDS);
    t.equal(statusCode, 401);
    t.match(body, '<h1>This link is no longer valid</h1>\n<p role="alert">');
    t.notMatch(body, '<form');
  }
});

t.test('shows the earlier result of a used token', async (t) => {
  for (const [path, outcome, words] of [
    ['/reset-password', 'password_reset', 'password was already changed'],
    ['/verify-email', 'email_verified', 'address was already confirmed'],
    ['/verify-email', 'email_rejected', 'address was already removed'],
  ] as const) {
    const { act } = await start(t, failing(new AppError('INVALID_TOKEN', 'Not valid.')), { outcome });
    const { statusCode, body } = await act(path, PASSWORDS);
    t.equal(statusCode, 200);
    t.match(body, '<h1>Already done</h1>');
    t.match(body, words);
    t.notMatch(body, /<form|role="alert"/);
  }
});

t.test('explains after a cancelled change what was restored and what to do about the password', async (t) => {
  for (const [cancelled, words] of [
    [CANCELLED, /previous email address again, and all devices were signed out\. If somebody else may know/],
    [{ ...CANCELLED, kind: 'username', passwordVoided: true }, /previous username again, .*so it no longer works/],
    [{ ...CANCELLED, alreadyDone: true }, /<h1>Already done<\/h1>\n.*was already cancelled/],
  ] as const) {
    const { act, calls } = await start(t, undefined, { cancelled });
    const { statusCode, body } = await act('/cancel-email-change');
    t.equal(statusCode, 200);
    t.match(body, words);
    t.notMatch(body, /<form|role="alert"/);
    t.match(calls, [['cancelChange', TOKEN, { userAgent: 'Tap/1' }]]);
  }
});

t.test('shows the form again with Retry-After when the person has to wait', async (t) => {
  for (const [error, status, retryAfter] of [
    [new AppError('RATE_LIMIT_EXCEEDED', 'Too <many>.', { retryAfter: 90 }), 429, '90'],
    [new AppError('RATE_LIMIT_EXCEEDED', 'Too <many>.'), 429, '1'],
    [serviceUnavailable('Too <many>.', 7), 503, '7'],
  ] as const) {
    const { act } = await start(t, failing(error));
    for (const path of PATHS) {
      const { statusCode, body, headers } = await act(path, PASSWORDS);
      t.equal(statusCode, status);
      t.equal(headers['retry-after'], retryAfter);
      t.match(body, '<div class="issue" role="alert"><p>Too &lt;many&gt;.</p></div>');
      t.match(field(body, 'link'), formKey(TOKEN));
      t.notMatch(body, PASSWORDS.password);
    }
  }
});

t.test('answers 503 when the database is unreachable, and leaves unexpected errors to the app', async (t) => {
  const away = await start(t, failing(Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' })));
  const { statusCode, body, headers } = await away.act('/verify-email');
  t.equal(statusCode, 503);
  t.ok(Number(headers['retry-after']) >= 1);
  t.match(body, 'role="alert"');
  t.notMatch(body, 'hunter2');

  for (const error of [new Error('an error'), new AppError('INSUFFICIENT_PERMISSIONS', 'an error')]) {
    const broken = await start(t, failing(error));
    for (const path of PATHS) {
      const response = await broken.act(path, PASSWORDS);
      t.equal(response.statusCode, 500);
      t.same(response.json(), { thrownOn: 'an error' });
    }
  }
});

t.test('answers with a page when a request is refused before the form is read', async (t) => {
  const { app, get, act, calls } = await start(t);
  app.addHook('onRequest', async () => {
    throw new AppError('RATE_LIMIT_EXCEEDED', 'Too many <requests>.', { retryAfter: 5 });
  });
  for (const { statusCode, headers, body } of [
    await get(`/reset-password?token=${TOKEN}`),
    await get('/verify-email'),
    await act('/reset-password', PASSWORDS),
  ]) {
    t.equal(statusCode, 429);
    t.match(headers, { 'retry-after': '5', 'content-security-policy': /style-src 'sha256-/ });
    t.match(body, '<p role="alert">Too many &lt;requests&gt;.</p>');
  }
  t.same(calls, []);
});

t.test('accepts only short forms, and leaves the bodies of other routes alone', async (t) => {
  const { app, act, calls } = await start(t);
  app.post('/json', (request) => request.body);
  const json = await app.inject({ method: 'POST', url: '/json', payload: { a: 1 } });
  t.same(json.json(), { a: 1 });
  const elsewhere = await app.inject({
    method: 'POST',
    url: '/json',
    headers: { 'content-type': FORM },
    payload: 'a=1',
  });
  t.match(elsewhere.json(), { thrownOn: /Unsupported Media Type/ });

  const asJson = await app.inject({ method: 'POST', url: '/reset-password', payload: PASSWORDS });
  t.match(asJson.json(), { thrownOn: /Unsupported Media Type/ });
  const asText = await act('/verify-email', {}, { 'content-type': 'text/plain' });
  t.match(asText.json(), { thrownOn: /Unsupported Media Type/ });
  const long = await act('/reset-password', { ...PASSWORDS, password: 'x'.repeat(8192) });
  t.match(long.json(), { thrownOn: /too large/ });
  const none = await app.inject({ method: 'POST', url: '/verify-email' });
  t.equal(none.statusCode, 400, 'no body at all');
  t.same(calls, []);

  const longest = '𝒳'.repeat(256);
  t.equal((await act('/reset-password', { password: longest, passwordConfirmation: longest })).statusCode, 200);
  t.equal(calls.length, 1, 'the longest password fits');
});
