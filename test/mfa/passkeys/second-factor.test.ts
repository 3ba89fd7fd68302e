import { eq } from 'drizzle-orm';
import t from 'tap';
import { auditEvents, passkeyChallenges, sessions } from '../../../src/db/schema/index.js';
import { startTestApp } from '../../helpers/app.js';
import type { Ceremony } from '../../helpers/authenticator.js';
import type { AnyData } from '../../helpers/client.js';
import {
  LOGIN_WITH_PASSKEY,
  REAUTHENTICATE,
  registerPasskey,
  START_LOGIN,
  START_REGISTRATION,
  startLogin,
  type RegisteredPasskey,
} from '../../helpers/passkeys.js';
import { LOGIN, ME, PASSWORD, type SeededUser } from '../../helpers/seed.js';
import { LOGIN_WITH_FACTOR } from '../../helpers/totp.js';

const app = await startTestApp(t);
const secondApp = await startTestApp(t, {}, app.db, app.clock);
const ORIGIN = 'http://auth.test';

type PasskeyUser = SeededUser & RegisteredPasskey;
async function passkeyUser(options = {}): Promise<PasskeyUser> {
  const user = await app.user();
  return { ...user, ...(await registerPasskey(user.client, options)) };
}
/** The challenge of the first step. */
async function firstStep({ username }: SeededUser): Promise<string> {
  const input = { identifier: username, password: PASSWORD };
  return (await app.client().send(LOGIN, { input })).errors[0]!.extensions.challenge!;
}
const finish = (challenge: string, passkey: AnyData, client = app.client()) =>
  client.send(LOGIN_WITH_FACTOR, { input: { challenge, passkey } });
/** The whole second step. */
async function secondStep(user: PasskeyUser, ceremony: Ceremony = {}) {
  const challenge = await firstStep(user);
  const { options } = await startLogin(app.client(), challenge);
  return finish(challenge, user.authenticator.assert(options, ceremony));
}
const sessionsOf = (id: string) => app.db.executor.select().from(sessions).where(eq(sessions.userId, id));
const eventsOf = async (id: string, type: string) =>
  (await app.db.executor.select().from(auditEvents).where(eq(auditEvents.userId, id)).orderBy(auditEvents.id)).filter(
    (event) => event.type === type,
  );

t.test('lists the passkeys of the account for the second step only', async (t) => {
  const user = await passkeyUser();
  await registerPasskey(user.client, { synced: true });
  const { options } = await startLogin(app.client(), await firstStep(user));
  t.equal(options.userVerification, 'preferred');
  t.equal(options.allowCredentials.length, 2);
  t.match(options.allowCredentials[0], { type: 'public-key', transports: ['hybrid', 'internal'] });
  for (const challenge of ['', 'x', 'A'.repeat(43)])
    t.equal((await app.client().send(START_LOGIN, { challenge })).code, 'INVALID_TOKEN');
});

t.test('opens a session with password and passkey', async (t) => {
  const user = await passkeyUser();
  t.equal((await secondStep(user)).code, undefined);
  t.match((await sessionsOf(user.id)).at(-1)?.amr, ['pwd', 'hwk', 'user', 'mfa']);
  t.match(await eventsOf(user.id, 'second_factor.used'), [{ detail: 'passkey' }]);
});

t.test('accepts a passkey that has not verified its user, after a password', async (t) => {
  const user = await passkeyUser({ synced: true });
  t.equal((await secondStep(user, { userVerified: false })).code, undefined);
  t.match((await sessionsOf(user.id)).at(-1)?.amr, ['pwd', 'swk', 'user', 'mfa']);
});

t.test('accepts a passkey without a user handle, since the options name it', async (t) => {
  t.equal((await secondStep(await passkeyUser(), { userHandle: null })).code, undefined);
});

t.test('requires user verification for options that were not made for the second step', async (t) => {
  const user = await passkeyUser();
  for (const [ceremony, code] of [
    [{ userVerified: false }, 'INVALID_CODE'],
    [{}, undefined],
  ] as const) {
    const { options } = await startLogin(app.client());
    const response = user.authenticator.assert(options, ceremony);
    t.equal((await finish(await firstStep(user), response)).code, code);
  }
});

t.test('rejects wrong responses as INVALID_CODE, and opens no session', async (t) => {
  const user = await passkeyUser();
  const ceremonies: Ceremony[] = [
    { wrongKey: true },
    { origin: 'http://evil.test' },
    { rpId: 'evil.test' },
    { type: 'webauthn.create' },
    { userPresent: false },
    { crossOrigin: true },
    { userHandle: 'eA' },
    { challenge: Buffer.alloc(32).toString('base64url') },
  ];
  const others = [];
  for (const ceremony of ceremonies) {
    const { code } = await secondStep(user, ceremony);
    if (code !== 'INVALID_CODE') others.push({ ceremony, code });
  }
  t.same(others, []);
  t.equal((await sessionsOf(user.id)).length, 1);
  t.match((await eventsOf(user.id, 'second_factor.failed'))[0], { detail: 'passkey' });
});

t.test('rejects the passkey and the challenge of another account', async (t) => {
  const [user, other] = [await passkeyUser(), await passkeyUser()];
  const challenge = await firstStep(user);
  const ofOther = await startLogin(app.client(), await firstStep(other));
  t.equal((await finish(challenge, other.authenticator.assert(ofOther['options']))).code, 'INVALID_CODE');
  const { options } = await startLogin(app.client(), challenge);
  for (const ceremony of [{}, { userHandle: null }]) {
    const foreign = other.authenticator.assert({ ...options, allowCredentials: undefined }, ceremony);
    t.equal((await finish(challenge, foreign)).code, 'INVALID_CODE', 'the passkey of another account');
  }
  const own = user.authenticator.assert({ ...ofOther['options'], allowCredentials: undefined });
  t.equal((await finish(challenge, own)).code, 'INVALID_CODE', 'the challenge of another account');
  t.equal((await sessionsOf(user.id)).length, 1);
});

t.test('rejects the challenge of a registration', async (t) => {
  const user = await passkeyUser();
  const creation = (await user.client.send(START_REGISTRATION)).data!['startPasskeyRegistration'];
  const challenge = await firstStep(user);
  const { options } = await startLogin(app.client(), challenge);
  const response = user.authenticator.assert(options, { challenge: creation.challenge });
  t.equal((await finish(challenge, response)).code, 'INVALID_CODE');
});

t.test('does not let the response of a second step log in alone', async (t) => {
  const user = await passkeyUser();
  const { challenge, options } = await startLogin(app.client(), await firstStep(user));
  const input = { challenge, response: user.authenticator.assert(options) };
  t.equal((await app.client().send(LOGIN_WITH_PASSKEY, { input })).code, 'INVALID_TOKEN');
  t.equal((await sessionsOf(user.id)).length, 1);
});

t.test('accepts a response once', async (t) => {
  const user = await passkeyUser({ synced: true });
  const challenge = await firstStep(user);
  const { options } = await startLogin(app.client(), challenge);
  const response = user.authenticator.assert(options);
  t.equal((await finish(challenge, response)).code, undefined);
  t.equal((await finish(await firstStep(user), response)).code, 'INVALID_CODE');
});

t.test('opens one session for a response that two instances get at once with two challenges', async (t) => {
  const user = await passkeyUser({ synced: true });
  const [first, second] = [await firstStep(user), await firstStep(user)];
  const { options } = await startLogin(app.client(), first);
  const response = user.authenticator.assert(options);
  const answers = await Promise.all([finish(first, response), finish(second, response, secondApp.client())]);
  t.same(answers.map(({ code }) => code ?? 'opened').sort(), ['INVALID_CODE', 'opened']);
  t.equal((await sessionsOf(user.id)).length, 2);
});

t.test('refuses a clone as a second factor, and keeps the audit event and the count of the failure', async (t) => {
  const user = await passkeyUser();
  const clone = user.authenticator.clone();
  await secondStep(user);
  t.equal((await secondStep({ ...user, authenticator: clone })).code, 'INVALID_CODE');
  t.equal((await eventsOf(user.id, 'passkey.counter_regressed')).length, 1);
  t.equal((await eventsOf(user.id, 'second_factor.failed')).length, 1);
  t.equal((await sessionsOf(user.id)).length, 2);
});

t.test('lists passkeys only in the browser of the first step', async (t) => {
  const user = await passkeyUser();
  const headers = { origin: ORIGIN };
  const input = { identifier: user.username, password: PASSWORD, transport: 'COOKIE' };
  const first = await app.client({ headers }).send(LOGIN, { input });
  const { challenge } = first.errors[0]!.extensions;
  t.equal((await app.client({ headers }).send(START_LOGIN, { challenge })).code, 'INVALID_TOKEN');
  const cookie = [first.headers['set-cookie'] ?? []].flat()[0]!.split(';')[0]!;
  const same = app.client({ headers: { ...headers, cookie } });
  const { options } = await startLogin(same, challenge);
  t.equal((await finish(challenge!, user.authenticator.assert(options), same)).code, undefined);
});

t.test('requires exactly one factor', async (t) => {
  const user = await passkeyUser();
  const challenge = await firstStep(user);
  const { errors } = await app.client().send(LOGIN_WITH_FACTOR, { input: { challenge, passkey: {}, totp: '123456' } });
  t.match(errors[0]?.extensions.details, [{ field: 'totp' }, { field: 'recoveryCode' }, { field: 'passkey' }]);
});

t.test('renews the proof of a session', async (t) => {
  const user = await passkeyUser();
  app.clock.advance(60_000);
  const { options } = await startLogin(user.client);
  const passkey = user.authenticator.assert(options);
  const { data, code } = await user.client.send(REAUTHENTICATE, { input: { passkey } });
  t.equal(code, undefined);
  const [session] = await sessionsOf(user.id);
  t.same(session!.authenticatedAt, new Date(app.clock.now()));
  t.same(session!.amr, ['pwd', 'hwk', 'user', 'mfa']);
  t.equal((await app.client({ token: data!['reauthenticate'].accessToken }).send(ME)).code, undefined);
});

t.test('renews no session with a passkey of another account or without user verification', async (t) => {
  const [user, other] = [await passkeyUser(), await passkeyUser()];
  const before = await sessionsOf(user.id);
  for (const [authenticator, ceremony] of [
    [other.authenticator, {}],
    [user.authenticator, { userVerified: false }],
    [user.authenticator, { wrongKey: true }],
  ] as const) {
    const passkey = authenticator.assert((await startLogin(user.client))['options'], ceremony);
    t.equal((await user.client.send(REAUTHENTICATE, { input: { passkey } })).code, 'INVALID_CODE');
  }
  t.same(
    (await sessionsOf(user.id)).map(({ authenticatedAt, amr }) => ({ authenticatedAt, amr })),
    before.map(({ authenticatedAt, amr }) => ({ authenticatedAt, amr })),
  );
});

t.test('consumes the challenge with a right response', async (t) => {
  await app.db.executor.delete(passkeyChallenges);
  await secondStep(await passkeyUser());
  t.same(await app.db.executor.select().from(passkeyChallenges), []);
});
