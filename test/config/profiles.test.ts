/** The settings that docs/migrating.md has for other APIs: each row's configuration, through the whole life of an account. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { startTestApp, type TestApp } from '../helpers/app.js';
import type { Answer, AnyData, TestClient } from '../helpers/client.js';
import { LOGIN, LOGOUT, ME, PASSWORD, REFRESH, REGISTER, registerAdmin, tokenIn, UPDATE_ME } from '../helpers/seed.js';
import { claimsOf, headerOf } from '../helpers/tokens.js';

interface Profile {
  readonly algorithm: 'EdDSA' | 'HS256';
  /** In seconds. */
  readonly access: number;
  readonly session: number;
  readonly remembered: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The expected behaviour of each row. */
const PROFILES: Readonly<Record<string, Profile>> = {
  'SimpleJWT-style': { algorithm: 'HS256', access: 5 * MINUTE, session: 24 * HOUR, remembered: 24 * HOUR },
  'Stratify-style': { algorithm: 'EdDSA', access: 15 * MINUTE, session: 7 * DAY, remembered: 7 * DAY },
  'MediaNest-style': { algorithm: 'HS256', access: 30 * MINUTE, session: 7 * DAY, remembered: 7 * DAY },
  'Beatstore-style': { algorithm: 'EdDSA', access: 15 * MINUTE, session: 24 * HOUR, remembered: 30 * DAY },
};
const SECRET = 'a shared secret of more than thirty-two bytes';
const NEW_PASSWORD = 'another quiet brass telescope';

const document = readFileSync('docs/migrating.md', 'utf8');
/** The cells of each row by the first cell, without emphasis. */
const rows = new Map(
  document
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .map(([first = '', ...rest]) => [first, rest] as const),
);

/** The environment of a row, with a secret in the place of its dots. */
function environmentOf(name: string): Record<string, string> {
  const settings = [...(rows.get(name)?.at(-1) ?? '').matchAll(/`([A-Z_]+)=([^`]+)`/g)];
  return Object.fromEntries(settings.map(([, key = '', value = '']) => [key, value === '…' ? SECRET : value]));
}

const seconds = (date: unknown): number => Date.parse(String(date)) / 1000;

function payload({ data, errors }: Answer<AnyData>, field: string): AnyData {
  if (!data?.[field]) throw new Error(`${field} was refused: ${JSON.stringify(errors)}`);
  return data[field] as AnyData;
}

async function sessionEnd(client: TestClient): Promise<number> {
  const { data } = await client.send('{ me { sessions { current expiresAt } } }');
  const { expiresAt } = data!['me'].sessions.find(({ current }: AnyData) => current);
  return seconds(expiresAt);
}

for (const [name, profile] of Object.entries(PROFILES)) {
  t.test(`${name}: uses the documented lifetimes and rotates refresh tokens`, async (t) => {
    const env = environmentOf(name);
    t.ok(Object.keys(env).length >= 2, 'the row has its settings');
    const app = await startTestApp(t, env);
    const now = () => app.clock.now() / 1000;
    const client = app.client();
    const user = await app.user();
    const login = (rememberMe: boolean) =>
      client.send(LOGIN, { input: { identifier: user.email, password: PASSWORD, rememberMe } });

    const first = payload(await login(false), 'login');
    t.equal(headerOf(first['accessToken'])['alg'], profile.algorithm);
    t.equal(first['expiresIn'], profile.access);
    const claims = claimsOf(first['accessToken']);
    t.equal(Number(claims['exp']) - Number(claims['iat']), profile.access);
    t.ok(Math.abs((await sessionEnd(client.with({ token: first['accessToken'] }))) - now() - profile.session) <= 1);
    const remembered = payload(await login(true), 'login');
    const rememberedEnd = await sessionEnd(client.with({ token: remembered['accessToken'] }));
    t.ok(Math.abs(rememberedEnd - now() - profile.remembered) <= 1);

    if (profile.algorithm === 'HS256') {
      const [header, body, signature] = String(first['accessToken']).split('.');
      t.equal(
        createHmac('sha256', SECRET).update(`${header}.${body}`).digest('base64url'),
        signature,
        'whoever shares the secret verifies it',
      );
    }

    app.clock.advance(profile.access * 1000);
    t.equal((await client.send(ME, {}, { token: first['accessToken'] })).code, 'TOKEN_EXPIRED');
    const second = payload(await client.send(REFRESH, { refreshToken: first['refreshToken'] }), 'refresh');
    t.not(second['refreshToken'], first['refreshToken']);
    t.equal((await client.send(ME, {}, { token: second['accessToken'] })).code, undefined);
    app.clock.advance(app.config.sessions.graceMs + 1);
    const replayed = await client.send(REFRESH, { refreshToken: first['refreshToken'] });
    t.equal(replayed.code, 'INVALID_REFRESH_TOKEN');
    t.equal(
      (await client.send(ME, {}, { token: second['accessToken'] })).code,
      'INVALID_TOKEN',
      'and ends the session',
    );

    app.clock.advance(Math.ceil((rememberedEnd - now()) * 1000) + 1000);
    const late = await client.send(REFRESH, { refreshToken: remembered['refreshToken'] });
    t.equal(late.code, 'INVALID_REFRESH_TOKEN', 'a session has an end, however often it is renewed');
  });

  t.test(`${name}: serves every operation of its endpoints`, async (t) => {
    const app = await startTestApp(t, environmentOf(name));
    const used = await wholeLife(app);
    const promised = [...rows.entries()]
      .filter(([endpoint]) => /^`(GET|POST|PATCH|PUT|DELETE) /.test(endpoint))
      .flatMap(([, cells]) => [...(cells.at(-1) ?? '').matchAll(/`(\w+)[`(]/g)].map(([, operation]) => operation));
    t.ok(promised.length > 15);
    t.same([...new Set(promised)].sort(), [...used].sort(), 'the table promises what was seen');
  });
}

/** Two accounts from registration to deletion and back, through every operation of the table; which ones were called. */
async function wholeLife(app: TestApp): Promise<Set<string>> {
  const used = new Set<string>();
  let token: string | undefined;
  const call = async (field: string, query: string, variables: object = {}): Promise<AnyData> => {
    used.add(field);
    return payload(await app.client().send(query, variables, { token }), field);
  };
  const enter = (entered: AnyData): AnyData => {
    token = entered['accessToken'];
    return entered;
  };
  const mailed = async (email: string) => tokenIn(await app.mailTo(email));
  const [email, changed, username] = ['ada@mail.test', 'ada@new.test', 'ada'];

  enter(await call('register', REGISTER, { input: { email, username, password: PASSWORD } }));
  await call('verifyEmail', 'mutation ($token: String!) { verifyEmail(token: $token) { isVerified } }', {
    token: await mailed(email),
  });
  await call('updateMe', UPDATE_ME, { input: { displayName: 'Ada', email: changed } });
  await call('requestEmailVerification', 'mutation { requestEmailVerification }');
  await call('verifyEmail', 'mutation ($token: String!) { verifyEmail(token: $token) { email } }', {
    token: await mailed(changed),
  });
  const input = { identifier: changed, password: PASSWORD };
  const other = await call('login', LOGIN, { input });
  const me = await call('me', '{ me { email sessions { id current } } }');
  const { id } = me['sessions'].find(({ current }: AnyData) => !current);
  await call('revokeSession', 'mutation ($id: ID!) { revokeSession(id: $id) }', { id });
  const ended = await app.client().send(REFRESH, { refreshToken: other['refreshToken'] });
  if (ended.code !== 'INVALID_REFRESH_TOKEN') throw new Error('The session goes on');
  await call('login', LOGIN, { input });
  if (Number(await call('revokeOtherSessions', 'mutation { revokeOtherSessions }')) !== 1)
    throw new Error('The other session goes on');
  const renewed = enter(
    await call(
      'changePassword',
      `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken refreshToken } }`,
      {
        input: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
      },
    ),
  );
  enter(await call('refresh', REFRESH, { refreshToken: renewed['refreshToken'] }));
  await call('requestPasswordReset', 'mutation ($email: String!) { requestPasswordReset(email: $email) }', {
    email: changed,
  });
  enter(
    await call(
      'resetPassword',
      `mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }`,
      {
        input: { token: await mailed(changed), password: PASSWORD },
      },
    ),
  );
  await call('logout', LOGOUT);
  enter(await call('login', LOGIN, { input }));
  await call('deleteMe', 'mutation ($input: DeleteMeInput!) { deleteMe(input: $input) }', {
    input: { confirmation: 'DELETE_MY_ACCOUNT', password: PASSWORD },
  });
  if ((await app.client().send(LOGIN, { input })).code !== 'INVALID_CREDENTIALS') throw new Error('It is not deleted');

  token = (await registerAdmin(app)).accessToken;
  const ada = (await app.user({ email: 'ada@third.test' })).id;
  const found = await call('users', '{ users(search: "ada@third") { edges { node { id } } } }');
  if (found['edges'][0].node.id !== ada) throw new Error('It is not found');
  await call('updateUser', `mutation { updateUser(id: "${ada}", input: { disabled: true }) { disabledAt } }`);
  await call('updateUser', `mutation { updateUser(id: "${ada}", input: { disabled: false }) { disabledAt } }`);
  const { username: third } = await call('user', `{ user(id: "${ada}") { username } }`);
  await app.client().send(LOGIN, { input: { identifier: third, password: PASSWORD } });
  if (Number(await call('revokeUserSessions', `mutation { revokeUserSessions(userId: "${ada}") }`)) !== 1)
    throw new Error('Its session goes on');
  await call('deleteUser', `mutation { deleteUser(id: "${ada}") }`);
  await call('restoreUser', `mutation { restoreUser(id: "${ada}") { id } }`);
  await call('auditEvents', `{ auditEvents(userId: "${ada}") { edges { node { type } } } }`);
  return used;
}
