/** Requests count under the account of their access token only while its session is live, otherwise by address. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, LOGOUT, ME, registerUser } from '../helpers/seed.js';
import { ofSessions, sentBy } from '../helpers/statements.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '50/1m' });
let addresses = 0;
const somewhere = () => app.client({ ip: `198.51.100.${(addresses += 1)}` });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** The remaining requests of an account, read from the headers of a further request. */
const remaining = async (token: string) =>
  Number((await somewhere().send(ME, {}, { headers: bearer(token) })).headers['x-ratelimit-remaining']);

/** An account with a live session, and the access token of one that has ended. */
async function userWithEndedSession() {
  const owner = await registerUser(somewhere());
  const input = { identifier: owner.username, password: owner.password };
  const { data } = await somewhere().send(LOGIN, { input });
  const ended = data!['login'].accessToken as string;
  t.equal((await somewhere().send(ME, {}, { headers: bearer(ended) })).code, undefined, 'the token worked');
  t.equal((await somewhere().send(LOGOUT, {}, { headers: bearer(ended) })).code, undefined);
  return { owner, ended };
}

t.test('counts requests with the token of an ended session by address and not for the account', async (t) => {
  const { owner, ended } = await userWithEndedSession();
  const before = await remaining(owner.accessToken);
  const stranger = somewhere();
  const codes = new Map<unknown, number>();
  for (let time = 0; time < 650; time += 1) {
    const { code } = await stranger.send(ME, {}, { headers: bearer(ended) });
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  t.same(
    [...codes],
    [
      ['INVALID_TOKEN', 50],
      ['RATE_LIMIT_EXCEEDED', 600],
    ],
  );
  t.equal(await remaining(owner.accessToken), before - 1, 'only the request of the owner counts');
  for (const query of ['{ __typename }', '{ unknown }'])
    t.equal((await stranger.send(query, {}, { headers: bearer(ended) })).status, 429, query);
  const get = await app.server.inject({ url: '/nowhere', remoteAddress: '198.51.100.250', headers: bearer(ended) });
  t.equal(get.headers['x-ratelimit-limit'], '50', 'also for unknown routes');
});

t.test('counts requests of a live session by account, also from an address over its limit', async (t) => {
  const owner = await registerUser(somewhere());
  const office = somewhere();
  for (let time = 0; time < 50; time += 1) await office.send('{ __typename }');
  t.equal((await office.send('{ __typename }')).status, 429);
  const send = () => office.send(ME, {}, { headers: bearer(owner.accessToken) });
  t.match(await send(), { code: undefined, headers: { 'x-ratelimit-limit': '600', 'x-ratelimit-remaining': '599' } });
  t.match(await send(), { code: undefined, headers: { 'x-ratelimit-remaining': '598' } });
});

t.test('authenticates every request with one statement', async (t) => {
  const owner = await registerUser(somewhere());
  for (const request of ['the first', 'the second']) {
    const sent = await sentBy(app.db, () => somewhere().send(ME, {}, { headers: bearer(owner.accessToken) }));
    t.equal(ofSessions(sent).length, 1, request);
  }
});

t.test('logs the account of each request, also of rejected ones and of ended sessions', async (t) => {
  const { owner, ended } = await userWithEndedSession();
  const line = async (query: string, token: string) => {
    await somewhere().send(query, {}, { headers: bearer(token) });
    return app.logs.filter(({ msg }) => msg === 'request').at(-1);
  };
  t.match(await line('{ users { pageInfo { hasNextPage } } }', owner.accessToken), {
    userId: owner.id,
    code: 'INSUFFICIENT_PERMISSIONS',
  });
  t.match(await line(ME, ended), { userId: owner.id, code: 'INVALID_TOKEN' });
  t.match(await line('{ unknown }', owner.accessToken), { userId: owner.id, code: 'QUERY_REJECTED' });
  t.notHas(await line(ME, `${owner.accessToken.slice(0, -8)}AAAAAAAA`), { userId: String }, 'not of a forged token');
});
