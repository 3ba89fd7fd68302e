import { eq } from 'drizzle-orm';
import t from 'tap';
import { sessions, users } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { PASSWORD, REFRESH, type SeededUser } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';
import { enrollTotp, START_TOTP, totpCode, wrongCode } from '../helpers/totp.js';

const app = await startTestApp(t);
const { clock } = app;
const REAUTHENTICATE = `mutation ($input: ReauthenticateInput!) { reauthenticate(input: $input) {
  accessToken refreshToken user { id } } }`;

async function enrolledUser() {
  const user = await app.user();
  return { ...user, ...(await enrollTotp(user.client, () => clock.now())) };
}

/** A client of the user whose last login is no longer recent. */
async function later<User extends SeededUser>(user: User) {
  clock.advance(16 * 60_000);
  const { data } = await app.client().send(REFRESH, { refreshToken: user.refreshToken });
  return { ...user, client: app.client({ token: data!['refresh'].accessToken as string }) };
}
const methodsOf = async ({ client }: SeededUser) => {
  const answer = await client.send(START_TOTP);
  return answer.code === 'STEP_UP_REQUIRED' ? answer.errors[0]!.extensions.methods : answer.code;
};
const authenticatedAt = async (id: string) =>
  (await app.db.executor.select().from(sessions).where(eq(sessions.userId, id)))[0]!.authenticatedAt.getTime();

t.test('renews the proof of the same session with the password', async (t) => {
  const user = await later(await app.user());
  t.same(await methodsOf(user), ['PASSWORD']);
  const { accessToken } = (await user.client.send(REAUTHENTICATE, { input: { password: PASSWORD } })).data![
    'reauthenticate'
  ];
  const [before, after] = [claimsOf(user.accessToken), claimsOf(accessToken as string)];
  t.equal(after['sid'], before['sid']);
  t.same(after['amr'], ['pwd']);
  t.equal(after['auth_time'], Math.floor(clock.now() / 1000));
  t.equal((await app.client({ token: accessToken as string }).send(START_TOTP)).code, undefined);
});

t.test('rejects the earlier tokens of the session', async (t) => {
  const user = await later(await app.user());
  await user.client.send(REAUTHENTICATE, { input: { password: PASSWORD } });
  t.equal((await user.client.send('{ me { id } }')).code, 'TOKEN_EXPIRED');
});

t.test('renews nothing with a wrong password', async (t) => {
  const user = await later(await app.user());
  const before = await authenticatedAt(user.id);
  t.equal((await user.client.send(REAUTHENTICATE, { input: { password: 'wrong' } })).code, 'INVALID_CREDENTIALS');
  t.equal(await authenticatedAt(user.id), before);
  t.equal((await user.client.send('{ me { id } }')).code, undefined);
});

t.test('refuses the password of an account with a second factor, right or wrong', async (t) => {
  const user = await later(await enrolledUser());
  const before = await authenticatedAt(user.id);
  for (const password of [PASSWORD, 'wrong']) {
    const answer = await user.client.send(REAUTHENTICATE, { input: { password } });
    t.match(answer, {
      code: 'STEP_UP_REQUIRED',
      errors: [{ extensions: { methods: ['TOTP', 'RECOVERY_CODE'] } }],
    });
  }
  t.equal(await authenticatedAt(user.id), before);
});

t.test('renews the proof with a code or a recovery code', async (t) => {
  for (const factor of ['totp', 'recoveryCode']) {
    const user = await later(await enrolledUser());
    const value = factor === 'totp' ? totpCode(user.secret, clock.now()) : user.recoveryCodes[0];
    t.equal((await user.client.send(REAUTHENTICATE, { input: { [factor]: value } })).code, undefined, factor);
    t.equal(await authenticatedAt(user.id), clock.now(), factor);
  }
});

t.test('counts wrong codes as failed logins', async (t) => {
  const user = await later(await enrolledUser());
  const codes = [];
  for (let tries = 0; tries < 6; tries += 1) {
    const input = { totp: wrongCode(user.secret, clock.now()) };
    codes.push((await user.client.send(REAUTHENTICATE, { input })).code);
  }
  t.same(codes, [...Array<string>(5).fill('INVALID_CODE'), 'RATE_LIMIT_EXCEEDED']);
});

t.test('requires exactly one proof', async (t) => {
  const user = await app.user();
  for (const input of [{}, { password: PASSWORD, totp: '123456' }, { totp: '1', recoveryCode: '2' }])
    t.equal((await user.client.send(REAUTHENTICATE, { input })).code, 'VALIDATION_ERROR');
});

t.test('lists no method for an account with neither password nor factor', async (t) => {
  const user = await later(await app.user());
  await app.db.executor.update(users).set({ passwordHash: null }).where(eq(users.id, user.id));
  t.same(await methodsOf(user), []);
});
