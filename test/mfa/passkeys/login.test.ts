import { eq } from 'drizzle-orm';
import t from 'tap';
import { auditEvents, passkeyChallenges, passkeys, sessions } from '../../../src/db/schema/index.js';
import { startTestApp } from '../../helpers/app.js';
import { createAuthenticator, type Ceremony } from '../../helpers/authenticator.js';
import { LOGIN_WITH_PASSKEY, loginWithPasskey, registerPasskey, startLogin } from '../../helpers/passkeys.js';
import { LOGIN, PASSWORD, setAccount } from '../../helpers/seed.js';

const app = await startTestApp(t);
const secondApp = await startTestApp(t, {}, app.db, app.clock);
const ORIGIN = 'http://auth.test';

async function passkeyUser(options = {}) {
  const user = await app.user();
  return { ...user, ...(await registerPasskey(user.client, options)) };
}
const sessionsOf = (id: string) => app.db.executor.select().from(sessions).where(eq(sessions.userId, id));
const passkeyOf = async (id: string) => {
  const [row] = await app.db.executor.select().from(passkeys).where(eq(passkeys.userId, id));
  return row!;
};
const eventsOf = async (id: string, type: string) =>
  (await app.db.executor.select().from(auditEvents).where(eq(auditEvents.userId, id)).orderBy(auditEvents.id)).filter(
    (event) => event.type === type,
  );

t.test('starts with options for every passkey, whose user must be verified', async (t) => {
  const { challenge, options, expiresAt } = await startLogin(app.client());
  t.same(options, { rpId: 'auth.test', challenge, timeout: 300_000, userVerification: 'required' });
  t.equal(expiresAt, new Date(app.clock.now() + 300_000).toISOString());
  const stored = await app.db.executor.select().from(passkeyChallenges);
  t.notOk(
    stored.some(({ challengeHash }) => challengeHash === challenge),
    'stored as a hash only',
  );
});

t.test('opens a session of two factors with a passkey alone', async (t) => {
  for (const [synced, key] of [
    [false, 'hwk'],
    [true, 'swk'],
  ] as const) {
    const { id, authenticator } = await passkeyUser({ synced });
    const { data, code } = await loginWithPasskey(app.client(), authenticator);
    t.equal(code, undefined);
    t.equal(data!['loginWithPasskey'].user.id, id);
    const opened = (await sessionsOf(id)).find(({ amr }) => !amr.includes('pwd'));
    t.same(opened?.amr, [key, 'user', 'mfa']);
    t.match((await eventsOf(id, 'session.opened')).at(-1), { detail: 'by passkey' });
    const use = new Date(app.clock.now()).toISOString();
    t.match(data!['loginWithPasskey'].user.secondFactors.passkeys, [{ synced, lastUsedAt: use }]);
  }
});

t.test('takes rememberMe and transport', async (t) => {
  const { id, authenticator } = await passkeyUser();
  const client = app.client({ headers: { origin: ORIGIN } });
  const input = { rememberMe: true, transport: 'COOKIE' };
  const { data, headers } = await loginWithPasskey(client, authenticator, {}, input);
  t.equal(data!['loginWithPasskey'].refreshToken, null);
  t.match([headers['set-cookie']].flat().join(), /latchkey-refresh=/);
  t.ok((await sessionsOf(id)).some(({ rememberMe }) => rememberMe));
});

t.test('rejects wrong responses and unknown passkeys alike, and opens no session', async (t) => {
  const ceremonies: Ceremony[] = [
    { wrongKey: true },
    { userVerified: false },
    { userPresent: false },
    { origin: 'http://evil.test' },
    { origin: 'http://sub.auth.test' },
    { rpId: 'evil.test' },
    { type: 'webauthn.create' },
    { challenge: Buffer.alloc(32).toString('base64url') },
    { userHandle: null },
    { userHandle: Buffer.alloc(32).toString('base64url') },
  ];
  const messages = new Set<unknown>();
  for (const ceremony of ceremonies) {
    const { id, authenticator } = await passkeyUser();
    const { code, errors } = await loginWithPasskey(app.client(), authenticator, ceremony);
    messages.add(`${code} ${errors[0]?.message}`);
    if ((await sessionsOf(id)).length > 1) t.fail(JSON.stringify(ceremony));
  }
  const unknown = createAuthenticator();
  unknown.register({ rp: { id: 'auth.test' }, user: { id: 'eA' }, challenge: 'eA' });
  const { code, errors } = await loginWithPasskey(app.client(), unknown);
  messages.add(`${code} ${errors[0]?.message}`);
  t.equal(messages.size, 1, [...messages].join('\n'));
  t.match([...messages][0], /^INVALID_CREDENTIALS/);
});

t.test('rejects a crossOrigin response as malformed', async (t) => {
  const { authenticator } = await passkeyUser();
  t.equal((await loginWithPasskey(app.client(), authenticator, { crossOrigin: true })).code, 'VALIDATION_ERROR');
});

t.test('accepts a challenge once, also after a wrong response', async (t) => {
  const { id, authenticator } = await passkeyUser();
  const client = app.client();
  for (const ceremony of [{}, { wrongKey: true }]) {
    const { challenge, options } = await startLogin(client);
    const first = { challenge, response: authenticator.assert(options, ceremony) };
    await client.send(LOGIN_WITH_PASSKEY, { input: first });
    const second = { challenge, response: authenticator.assert(options) };
    t.equal((await client.send(LOGIN_WITH_PASSKEY, { input: second })).code, 'INVALID_TOKEN');
  }
  t.equal((await sessionsOf(id)).length, 2);
});

t.test('rejects challenges that are unknown, expired, or of a registration', async (t) => {
  const { authenticator, client } = await passkeyUser();
  const { challenge, options } = await startLogin(app.client());
  const creation = (await client.send('mutation { startPasskeyRegistration }')).data!['startPasskeyRegistration'];
  const attempt = (given: string) =>
    app.client().send(LOGIN_WITH_PASSKEY, {
      input: { challenge: given, response: authenticator.assert({ ...options, challenge: given }) },
    });
  app.clock.advance(300_000);
  const answers = [];
  for (const given of [challenge, creation.challenge, '', 'x', 'A'.repeat(43)]) answers.push(await attempt(given));
  t.same(new Set(answers.map(({ code }) => code)), new Set(['INVALID_TOKEN']));
});

t.test('rejects a replayed response with a new challenge', async (t) => {
  const { authenticator } = await passkeyUser();
  const client = app.client();
  const { challenge, options } = await startLogin(client);
  const response = authenticator.assert(options);
  t.equal((await client.send(LOGIN_WITH_PASSKEY, { input: { challenge, response } })).code, undefined);
  const next = (await startLogin(client))['challenge'];
  const replay = await client.send(LOGIN_WITH_PASSKEY, { input: { challenge: next, response } });
  t.equal(replay.code, 'INVALID_CREDENTIALS');
});

t.test('opens one session for a response that two instances get at once', async (t) => {
  const { id, authenticator } = await passkeyUser({ synced: true });
  const { challenge, options } = await startLogin(app.client());
  const input = { challenge, response: authenticator.assert(options) };
  const clients = [app.client(), secondApp.client(), app.client(), secondApp.client()];
  const answers = await Promise.all(clients.map((client) => client.send(LOGIN_WITH_PASSKEY, { input })));
  t.same(answers.map(({ code }) => code ?? 'opened').sort(), [
    'INVALID_TOKEN',
    'INVALID_TOKEN',
    'INVALID_TOKEN',
    'opened',
  ]);
  t.equal((await sessionsOf(id)).length, 2);
});

t.test('accepts one of two uses with the same counter at once', async (t) => {
  const { id, authenticator } = await passkeyUser();
  const started = [await startLogin(app.client()), await startLogin(app.client())];
  const inputs = started.map(({ challenge, options }) => ({
    challenge,
    response: authenticator.assert(options, { counter: 7 }),
  }));
  const answers = await Promise.all([
    app.client().send(LOGIN_WITH_PASSKEY, { input: inputs[0] }),
    secondApp.client().send(LOGIN_WITH_PASSKEY, { input: inputs[1] }),
  ]);
  t.same(answers.map(({ code }) => code ?? 'opened').sort(), ['INVALID_CREDENTIALS', 'opened']);
  t.equal((await eventsOf(id, 'passkey.counter_regressed')).length, 1);
});

t.test('refuses a clone whose counter does not rise, audits it and notifies the owner', async (t) => {
  const { id, email, authenticator } = await passkeyUser();
  const clone = authenticator.clone();
  await loginWithPasskey(app.client(), authenticator);
  await loginWithPasskey(app.client(), authenticator);
  const before = await passkeyOf(id);
  t.equal(before.counter, 2);
  t.equal((await loginWithPasskey(app.client(), clone)).code, 'INVALID_CREDENTIALS', 'below the counter');
  t.equal((await loginWithPasskey(app.client(), clone)).code, 'INVALID_CREDENTIALS', 'equal to it');
  t.equal((await loginWithPasskey(app.client(), clone, { counter: 0 })).code, 'INVALID_CREDENTIALS', 'back at 0');
  t.same(await passkeyOf(id), before, 'changes nothing');
  t.match(await eventsOf(id, 'passkey.counter_regressed'), [
    { actorId: null, detail: `${before.id} at 1` },
    { detail: `${before.id} at 2` },
    { detail: `${before.id} at 0` },
  ]);
  t.equal((await sessionsOf(id)).length, 3);
  t.match((await app.mailTo(email)).at(-1)?.subject, /passkey was refused/);
});

t.test('audits no regression for a wrong signature', async (t) => {
  const { id, authenticator } = await passkeyUser();
  await loginWithPasskey(app.client(), authenticator);
  await loginWithPasskey(app.client(), authenticator, { counter: 0, wrongKey: true });
  t.same(await eventsOf(id, 'passkey.counter_regressed'), []);
});

t.test('accepts synced passkeys, whose counter stays at 0, again and again', async (t) => {
  const { id, authenticator } = await passkeyUser({ synced: true });
  for (let use = 0; use < 3; use += 1) t.equal((await loginWithPasskey(app.client(), authenticator)).code, undefined);
  t.match(await passkeyOf(id), { counter: 0, synced: true });
});

t.test('reveals that an account is disabled only to the right response', async (t) => {
  const { id, authenticator } = await passkeyUser();
  await setAccount(app.db, id, 'disabled');
  t.equal((await loginWithPasskey(app.client(), authenticator, { wrongKey: true })).code, 'INVALID_CREDENTIALS');
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, 'ACCOUNT_DISABLED');
  t.match((await eventsOf(id, 'login.failed')).at(-1), { detail: 'disabled' });
  t.equal((await sessionsOf(id)).length, 1);
});

t.test('treats a deleted account as unknown, also if it is disabled', async (t) => {
  const { id, authenticator } = await passkeyUser();
  await setAccount(app.db, id, 'deleted');
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, 'INVALID_CREDENTIALS');
  await setAccount(app.db, id, 'disabled');
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, 'INVALID_CREDENTIALS');
});

t.test('counts wrong responses as failed logins of the account', async (t) => {
  const { id, username, authenticator } = await passkeyUser();
  const client = app.client();
  for (let tries = 0; tries < 5; tries += 1) await loginWithPasskey(client, authenticator, { wrongKey: true });
  t.equal((await loginWithPasskey(client, authenticator)).code, 'RATE_LIMIT_EXCEEDED');
  const login = await client.send(LOGIN, { input: { identifier: username, password: PASSWORD } });
  t.equal(login.code, 'RATE_LIMIT_EXCEEDED', 'of the password as well');
  t.match((await eventsOf(id, 'login.failed'))[0], { detail: 'passkey', actorId: null });
});

t.test('counts unknown passkeys by network', async (t) => {
  const limited = await startTestApp(t, { RATE_LIMIT_LOGIN_ADDRESS: '3/15m' });
  const client = limited.client();
  const codes = [];
  for (let tries = 0; tries < 4; tries += 1) {
    const unknown = createAuthenticator();
    unknown.register({ rp: { id: 'auth.test' }, user: { id: 'eA' }, challenge: 'eA' });
    codes.push((await loginWithPasskey(client, unknown)).code);
  }
  t.same(codes, [...Array<string>(3).fill('INVALID_CREDENTIALS'), 'RATE_LIMIT_EXCEEDED']);
});

t.test('resets failures with a right response', async (t) => {
  const { authenticator } = await passkeyUser();
  const client = app.client();
  for (let round = 0; round < 2; round += 1) {
    for (let tries = 0; tries < 4; tries += 1) await loginWithPasskey(client, authenticator, { wrongKey: true });
    t.equal((await loginWithPasskey(client, authenticator)).code, undefined);
  }
});
