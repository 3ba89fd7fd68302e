/** The refresh token in a cookie. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { AppError } from '../../src/lib/errors.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import type { Answer, TestClient } from '../helpers/client.js';
import { LOGIN, LOGOUT, ME, PASSWORD, REFRESH, REGISTER } from '../helpers/seed.js';

const ORIGIN = 'https://app.test';
const app = await startTestApp(t, { CORS_ORIGINS: ORIGIN });
const NAME = 'latchkey-refresh';
/** Whether the database of one test is unavailable. */
let isUnavailable = false;

/** The refresh cookie that a response sets, with its attributes in lower case; undefined if it sets none. */
function setCookie({ headers }: Pick<Answer<unknown>, 'headers'>) {
  const header = [headers['set-cookie'] ?? []].flat().find((cookie) => cookie.includes(`${NAME}=`));
  if (header === undefined) return undefined;
  const [pair = '', ...attributes] = header.split('; ');
  const [name, value] = pair.split('=');
  return { name, value, attributes: attributes.map((attribute) => attribute.toLowerCase()) };
}

/** A client that sends what a browser sends: the origin of its page, and its cookie. */
const browser = (cookie?: string, origin: string | undefined = ORIGIN, from: TestClient = app.client()) =>
  from.with({
    headers: { ...(origin ? { origin } : {}), ...(cookie === undefined ? {} : { cookie: `${NAME}=${cookie}` }) },
  });

async function loggedIn(input: object = {}) {
  const user = await app.user();
  const answer = await browser().send(LOGIN, {
    input: { identifier: user.username, password: PASSWORD, transport: 'COOKIE', ...input },
  });
  return { user, answer, cookie: setCookie(answer)!, accessToken: answer.data!['login'].accessToken as string };
}

t.test('puts the refresh token of a registration or login into a cookie and not into the body', async (t) => {
  const input = { email: 'cookie@mail.test', username: 'cookie', password: PASSWORD, transport: 'COOKIE' };
  const registered = await browser().send(REGISTER, { input });
  t.equal(registered.data?.['register'].refreshToken, null);
  t.match(setCookie(registered), {
    name: NAME,
    value: /^[\w-]{70}$/,
    attributes: ['path=/', 'httponly', 'samesite=strict'],
  });
  const { answer, cookie } = await loggedIn();
  t.equal(answer.data?.['login'].refreshToken, null);
  t.notOk(JSON.stringify(answer.data).includes(cookie.value!));
  t.equal(
    setCookie(await app.client().send(LOGIN, { input: { identifier: 'cookie', password: PASSWORD } })),
    undefined,
  );
});

t.test('expires the cookie with the session for rememberMe, otherwise with the browser', async (t) => {
  const expires = (attributes: readonly string[]) => attributes.find((attribute) => attribute.startsWith('expires='));
  t.equal(expires((await loggedIn()).cookie.attributes), undefined);
  const { cookie } = await loggedIn({ rememberMe: true });
  const at = Date.parse(expires(cookie.attributes)!.slice('expires='.length));
  t.ok(Math.abs(at - (app.clock.now() + 2_592_000_000)) < 1000);
});

t.test('reads and renews the cookie for a refresh without an argument', async (t) => {
  const { cookie } = await loggedIn();
  const renewed = await browser(cookie.value).send(REFRESH);
  t.equal(renewed.code, undefined);
  t.equal(renewed.data?.['refresh'].refreshToken, null);
  const next = setCookie(renewed)!;
  t.not(next.value, cookie.value);
  t.equal((await browser(next.value).send(REFRESH)).code, undefined, 'the renewed token works');
  t.equal(
    (await browser().send(REFRESH)).code,
    'INVALID_REFRESH_TOKEN',
    'without argument and cookie there is no token',
  );
});

t.test('prefers the argument to the cookie and returns the new token in the body', async (t) => {
  const { cookie } = await loggedIn();
  const other = await app.user();
  const answer = await browser(cookie.value).send(REFRESH, { refreshToken: other.refreshToken });
  t.match(answer.data?.['refresh'], { refreshToken: /./, user: { id: other.id } });
  t.equal(setCookie(answer), undefined);
});

t.test('clears the cookie after a rejected refresh', async (t) => {
  const { cookie } = await loggedIn();
  const answers = await Promise.all([1, 2, 3].map(() => browser(cookie.value).send(REFRESH)));
  const winners = new Set(answers.map((answer) => setCookie(answer)?.value));
  t.equal(winners.size, 1, 'all get the same token within the grace time');
  app.clock.advance(11_000);
  const late = await browser(cookie.value).send(REFRESH);
  t.equal(late.code, 'INVALID_REFRESH_TOKEN');
  t.match(setCookie(late), { name: NAME, value: '' });
  t.match(setCookie(await browser('forged').send(REFRESH)), { name: NAME, value: '' }, 'also a forged one');
  const disabled = await loggedIn();
  await app.db.executor.execute(sql`update users set disabled_at = now() where id = ${disabled.user.id}`);
  const answer = await browser(disabled.cookie.value).send(REFRESH);
  t.same([answer.code, setCookie(answer)?.value], ['ACCOUNT_DISABLED', '']);
});

t.test('keeps the cookie after a failed refresh if its token may still be valid', async (t) => {
  const { cookie } = await loggedIn();
  const scoped = 'mutation { refresh(scope: "admin") { accessToken } }';
  const narrowed = await browser(cookie.value).send(scoped);
  t.same([narrowed.code, setCookie(narrowed)], ['VALIDATION_ERROR', undefined]);
  const argument = await browser(cookie.value).send(REFRESH, { refreshToken: 'forged' });
  t.same([argument.code, setCookie(argument)], ['INVALID_REFRESH_TOKEN', undefined], 'the cookie was not used');
  const withoutDatabase = await startTestApp(
    t,
    { CORS_ORIGINS: ORIGIN },
    {
      ...app.db,
      executor: new Proxy(app.db.executor, {
        get: (on, key): unknown => {
          if (isUnavailable && key === '_')
            throw new AppError('SERVICE_UNAVAILABLE', 'The database is unavailable.', { retryAfter: 1 });
          return Reflect.get(on, key);
        },
      }),
    },
  );
  isUnavailable = true;
  const unavailable = await browser(cookie.value, ORIGIN, withoutDatabase.client()).send(REFRESH);
  isUnavailable = false;
  t.same([unavailable.code, setCookie(unavailable)], ['SERVICE_UNAVAILABLE', undefined]);
  t.equal((await browser(cookie.value).send(REFRESH)).code, undefined);
});

const typesOf = async (userId: string) =>
  (await auditOf(app.db, userId)).map(({ type, detail }) => [type, detail].filter(Boolean).join(' '));

t.test('ends the session of the cookie on logout with an expired access token', async (t) => {
  const { user, cookie, accessToken } = await loggedIn({ rememberMe: true });
  app.clock.advance(901_000);
  const page = browser(cookie.value);
  t.equal((await page.send(ME, {}, { token: accessToken })).code, 'TOKEN_EXPIRED', 'the cookie authenticates no query');
  const answer = await page.send(LOGOUT, {}, { token: accessToken });
  t.same([answer.data?.['logout'], setCookie(answer)?.value], [true, '']);
  t.equal((await page.send(REFRESH)).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await typesOf(user.id))[0], 'session.ended by cookie');
  const again = await page.send(LOGOUT);
  t.same([again.data?.['logout'], setCookie(again)?.value], [true, ''], 'a second logout succeeds without effect');
  t.equal((await typesOf(user.id)).filter((type) => type.startsWith('session.ended')).length, 1);
});

t.test('requires a valid cookie and an allowed origin for a logout by cookie', async (t) => {
  const { cookie } = await loggedIn();
  t.equal((await browser().send(LOGOUT)).code, 'MISSING_TOKEN');
  t.equal((await browser('forged').send(LOGOUT)).code, 'MISSING_TOKEN');
  for (const origin of ['https://evil.test', 'null', undefined]) {
    const headers = { cookie: `${NAME}=${cookie.value}`, ...(origin ? { origin } : {}) };
    t.equal((await app.client({ headers }).send(LOGOUT)).code, 'QUERY_REJECTED', String(origin));
  }
  t.equal((await browser(cookie.value).send(REFRESH)).code, undefined, 'the session is alive');
});

t.test('ends the session of the cookie that a login replaces', async (t) => {
  const before = await loggedIn();
  const input = { identifier: before.user.username, password: PASSWORD, transport: 'COOKIE' };
  const refused = await browser(before.cookie.value).send(LOGIN, { input: { ...input, password: 'wrong wrong' } });
  t.equal(refused.code, 'INVALID_CREDENTIALS');
  const body = await browser(before.cookie.value).send(LOGIN, { input: { ...input, transport: 'BODY' } });
  t.equal(body.code, undefined);
  t.equal(
    (await app.client({ token: before.accessToken }).send(ME)).code,
    undefined,
    'neither login replaced the cookie',
  );

  const after = await browser(before.cookie.value).send(LOGIN, { input });
  t.equal((await app.client({ token: before.accessToken }).send(ME)).code, 'INVALID_TOKEN');
  t.equal((await browser(before.cookie.value).send(REFRESH)).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await browser(setCookie(after)!.value).send(REFRESH)).code, undefined);
  t.ok((await typesOf(before.user.id)).includes('session.ended by a new login'));
});

t.test('ends the session of the cookie that a registration of another account replaces', async (t) => {
  const before = await loggedIn();
  const input = { email: 'second@mail.test', username: 'second', password: PASSWORD, transport: 'COOKIE' };
  t.equal((await browser(before.cookie.value).send(REGISTER, { input })).code, undefined);
  t.equal((await app.client({ token: before.accessToken }).send(ME)).code, 'INVALID_TOKEN');
});

t.test('clears the cookie on logout with the attributes that it was set with', async (t) => {
  const { cookie, accessToken } = await loggedIn();
  const answer = await browser(cookie.value).send(LOGOUT, {}, { token: accessToken });
  t.equal(answer.data?.['logout'], true);
  const cleared = setCookie(answer)!;
  t.equal(cleared.value, '');
  t.ok(cleared.attributes.some((attribute) => attribute.startsWith('expires=thu, 01 jan 1970')));
  t.ok(['path=/', 'httponly', 'samesite=strict'].every((attribute) => cleared.attributes.includes(attribute)));
  const user = await app.user();
  t.equal(setCookie(await user.client.send(LOGOUT)), undefined, 'a request without the cookie gets no Set-Cookie');
});

t.test('rejects requests with the cookie from other origins without any effect', async (t) => {
  const { cookie, accessToken } = await loggedIn();
  for (const origin of ['https://evil.test', 'null', 'https://app.test.evil.test', 'http://app.test']) {
    for (const document of [REFRESH, LOGOUT, ME]) {
      const answer = await browser(cookie.value, origin).send(document, {}, { token: accessToken });
      t.same([answer.code, answer.status], ['QUERY_REJECTED', 400], `${origin} ${document.slice(0, 20)}`);
    }
  }
  t.equal((await app.client({ token: accessToken }).send(ME)).code, undefined, 'the session is alive');
  t.equal((await browser(cookie.value).send(REFRESH)).code, undefined, 'and the token unused');
});

t.test('rejects a request with the cookie and without an Origin', async (t) => {
  const { cookie } = await loggedIn();
  const answer = await app.client({ headers: { cookie: `${NAME}=${cookie.value}` } }).send(REFRESH);
  t.equal(answer.code, 'QUERY_REJECTED');
  t.equal((await browser(cookie.value).send(REFRESH)).code, undefined, 'the token was not used');
  t.equal((await browser(cookie.value, 'http://auth.test').send(REFRESH)).code, undefined, 'PUBLIC_URL is allowed');
});

t.test('sets no cookie for a page of another origin', async (t) => {
  const user = await app.user();
  const answer = await browser(undefined, 'https://evil.test').send(LOGIN, {
    input: { identifier: user.username, password: PASSWORD, transport: 'COOKIE' },
  });
  t.equal(answer.code, 'QUERY_REJECTED');
  t.equal(setCookie(answer), undefined);
  const { data } = await user.client.send('{ me { sessions { id } } }');
  t.equal(data?.['me'].sessions.length, 1, 'no session was opened');
});

t.test('uses the prefix __Host- and Secure in production', async (t) => {
  const production = await startTestApp(t, {
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://auth.test',
    AUTH_SECRET: 'gJ2vYxq8mN4tR7wZ1kB5cD9fH3lP6sV0aE8iO2uT4yQ=',
  });
  const input = { email: 'p@mail.test', username: 'prod', password: PASSWORD, transport: 'COOKIE' };
  const answer = await production.client({ headers: { origin: 'https://auth.test' } }).send(REGISTER, { input });
  const cookie = setCookie(answer)!;
  t.equal(cookie.name, '__Host-latchkey-refresh');
  t.ok(['path=/', 'httponly', 'secure', 'samesite=strict'].every((attribute) => cookie.attributes.includes(attribute)));
  t.notOk(cookie.attributes.some((attribute) => attribute.startsWith('domain')));
  const headers = { origin: 'https://auth.test', cookie: `${cookie.name}=${cookie.value}` };
  t.equal((await production.client({ headers }).send(REFRESH)).code, undefined);
});

t.test('renews the cookie of the own session on a password change', async (t) => {
  const { cookie, accessToken } = await loggedIn();
  const change = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { refreshToken accessToken } }`;
  const answer = await browser(cookie.value).send(
    change,
    { input: { currentPassword: PASSWORD, newPassword: 'another quiet brass telescope' } },
    { token: accessToken },
  );
  t.equal(answer.data?.['changePassword'].refreshToken, null);
  t.equal((await browser(setCookie(answer)!.value).send(REFRESH)).code, undefined);
  t.equal(
    (await browser(cookie.value).send(REFRESH)).code,
    'INVALID_REFRESH_TOKEN',
    'the former token counts as reused',
  );
});

t.test('clears the cookie when a client revokes its own session', async (t) => {
  const { cookie, accessToken } = await loggedIn();
  const page = browser(cookie.value).with({ token: accessToken });
  const { data } = await page.send('{ me { sessions { id current } } }');
  const { id } = data!['me'].sessions.find(({ current }: { current: boolean }) => current);
  const REVOKE = 'mutation ($id: ID!) { revokeSession(id: $id) }';
  const other = data!['me'].sessions.find(({ current }: { current: boolean }) => !current);
  t.equal(setCookie(await page.send(REVOKE, { id: other.id })), undefined, 'revoking another session keeps the cookie');
  t.match(setCookie(await page.send(REVOKE, { id })), { name: NAME, value: '' });
});

t.test('neither renews nor clears the cookie of another session', async (t) => {
  const { cookie } = await loggedIn();
  const other = await app.user();
  const page = browser(cookie.value).with({ token: other.accessToken });
  const changed = await page.send(
    'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken refreshToken } }',
    { input: { currentPassword: PASSWORD, newPassword: 'a new and quiet telescope' } },
  );
  t.type(changed.data?.['changePassword'].refreshToken, 'string');
  t.equal(setCookie(changed), undefined);
  const out = await page.send(LOGOUT, {}, { token: changed.data?.['changePassword'].accessToken });
  t.same([out.data?.['logout'], setCookie(out)], [true, undefined]);
});
