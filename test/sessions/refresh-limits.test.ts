/** Rate limits of refreshes: by session for valid tokens, otherwise by address. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { LOGOUT, REFRESH, registerUser } from '../helpers/seed.js';
import { ofSessions, sentBy } from '../helpers/statements.js';

const LIMITS = { RATE_LIMIT_ANONYMOUS: '3/1m', RATE_LIMIT_AUTHENTICATED: '5/1m' };
const app = await startTestApp(t, { ...LIMITS, CORS_ORIGINS: 'https://app.test' });
let addresses = 0;
/** A client with a separate address. */
const somewhere = () => app.client({ ip: `198.51.100.${(addresses += 1)}` });
const TINY = '{ __typename }';

async function exhaust(client: ReturnType<typeof somewhere>): Promise<void> {
  for (let time = 0; time < 4; time += 1) await client.send(TINY);
  t.equal((await client.send(TINY)).status, 429);
}

t.test('accepts refreshes from an address over its limit', async (t) => {
  const [one, two, three] = [await userElsewhere(), await userElsewhere(), await userElsewhere()];
  const office = somewhere();
  await exhaust(office);
  t.equal((await office.send(REFRESH, { refreshToken: one.refreshToken })).code, undefined, 'as a variable');
  const literal = `mutation { refresh(refreshToken: "${two.refreshToken}") { accessToken } }`;
  t.equal((await office.send(literal)).code, undefined, 'in the document');
  const cookie = { origin: 'https://app.test', cookie: `latchkey-refresh=${three.refreshToken}` };
  t.equal((await office.send(REFRESH, {}, { headers: cookie })).code, undefined, 'in the cookie');
  for (const refreshToken of ['A'.repeat(70), `${one.refreshToken.slice(0, -1)}!`, 'x'])
    t.equal((await office.send(REFRESH, { refreshToken })).status, 429, 'a forged token counts by address');
});

t.test('does not count refreshes by address', async (t) => {
  const office = somewhere();
  for (let time = 0; time < 4; time += 1) {
    const { refreshToken } = await userElsewhere();
    t.equal((await office.send(REFRESH, { refreshToken })).code, undefined);
  }
  for (let time = 0; time < 3; time += 1) t.equal((await office.send(TINY)).status, 200);
  t.equal((await office.send(TINY)).status, 429);
});

t.test('limits the refreshes of a session across all addresses', async (t) => {
  let { refreshToken } = await userElsewhere();
  for (let time = 0; time < 5; time += 1) {
    const answer = await somewhere().send(REFRESH, { refreshToken });
    t.equal(answer.code, undefined);
    refreshToken = answer.data!['refresh'].refreshToken;
  }
  t.match(await somewhere().send(REFRESH, { refreshToken }), { code: 'RATE_LIMIT_EXCEEDED', status: 429 });
  const other = await userElsewhere();
  t.equal((await somewhere().send(REFRESH, { refreshToken: other.refreshToken })).code, undefined);
});

t.test('counts refreshes of an ended session by address after the first rejection', async (t) => {
  const ended = await userElsewhere();
  await ended.client.send(LOGOUT);
  const client = somewhere();
  await exhaust(client);
  const send = () => client.send(REFRESH, { refreshToken: ended.refreshToken });
  t.equal((await send()).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await send()).status, 429);
});

t.test('counts requests with an unreadable body by address', async (t) => {
  const remoteAddress = '198.51.100.250';
  const post = (payload: string, type = 'application/json') =>
    app.server.inject({ method: 'POST', url: '/graphql', remoteAddress, headers: { 'content-type': type }, payload });
  t.equal((await post('{')).statusCode, 400);
  t.equal((await post('a=b', 'application/x-www-form-urlencoded')).statusCode, 400);
  t.equal((await post(JSON.stringify({ query: 'x'.repeat(40_000) }))).statusCode, 400);
  t.equal((await post('{')).statusCode, 400, 'still answered with its own error');
  t.equal((await post(JSON.stringify({ query: TINY }))).statusCode, 429);
});

t.test('refreshes with one statement', async (t) => {
  const { refreshToken } = await userElsewhere();
  const client = somewhere();
  const next = (await client.send(REFRESH, { refreshToken })).data!['refresh'].refreshToken as string;
  const sent = await sentBy(app.db, () => client.send(REFRESH, { refreshToken: next }));
  t.equal(ofSessions(sent).length, 1);
});

/** A user who registered from a separate address. */
async function userElsewhere() {
  return registerUser(somewhere());
}
