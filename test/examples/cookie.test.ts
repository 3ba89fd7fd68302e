/** The cookie's example as a page runs it: Node keeps no cookies, so that its fetch is given a jar here. */
import t from 'tap';
import { createCookieClient } from '../../examples/cookie.js';
import { startLiveApp } from '../helpers/live.js';

const ORIGIN = 'http://app.test';
const app = await startLiveApp(t, { CORS_ORIGINS: ORIGIN });
const url = `http://127.0.0.1:${app.port}/graphql`;
const ME = '{ me { username } }';

/** A browser's fetch on a page of ORIGIN. */
const jar = new Map<string, string>();
const { fetch } = globalThis;
t.teardown(() => (globalThis.fetch = fetch));
globalThis.fetch = async (input, init = {}) => {
  const bears = init.credentials === 'include';
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = {
    ...(init.headers as Record<string, string>),
    origin: ORIGIN,
    ...(bears && cookie ? { cookie } : {}),
  };
  const response = await fetch(input, { ...init, headers });
  t.equal(response.headers.get('access-control-allow-origin'), ORIGIN);
  for (const line of bears ? response.headers.getSetCookie() : []) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
    if (value) jar.set(name!, value);
    else jar.delete(name!);
  }
  return response;
};

t.test('logs in, refreshes, survives a reload and logs out without reading the refresh token', async (t) => {
  const user = await app.user();
  const page = createCookieClient(url);
  await page.login(user.username, user.password);
  t.same([...jar.keys()], ['latchkey-refresh', 'latchkey-device']);
  t.same(await page.request(ME), { me: { username: user.username } });

  const first = jar.get('latchkey-refresh');
  app.clock.advance(901_000);
  const answers = await Promise.all([page.request(ME), page.request(ME), page.request(ME)]);
  t.same(answers, Array(3).fill({ me: { username: user.username } }));
  t.not(jar.get('latchkey-refresh'), first, 'the cookie is renewed');

  const reloaded = createCookieClient(url);
  await t.rejects(reloaded.request(ME), { code: 'MISSING_TOKEN' });
  await reloaded.resume();
  t.same(await reloaded.request(ME), { me: { username: user.username } });

  await reloaded.logout();
  t.same([...jar.keys()], ['latchkey-device'], 'the device stays known');
  await t.rejects(createCookieClient(url).resume(), { code: 'INVALID_REFRESH_TOKEN' });
});
