import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import t from 'tap';
import { auditEvents, passkeyChallenges, passkeys, sessions, users } from '../../../src/db/schema/index.js';
import { startTestApp } from '../../helpers/app.js';
import { createAuthenticator, type Cbor, type Ceremony } from '../../helpers/authenticator.js';
import {
  dataOf,
  FINISH_REGISTRATION,
  loginWithPasskey,
  PASSKEYS,
  registerPasskey,
  START_REGISTRATION,
} from '../../helpers/passkeys.js';
import { LOGIN, PASSWORD, type SeededUser } from '../../helpers/seed.js';

const app = await startTestApp(t);
const REMOVE = 'mutation ($id: ID!) { removePasskey(id: $id) }';
const RENAME = 'mutation ($id: ID!, $name: String!) { renamePasskey(id: $id, name: $name) { id name } }';

const start = ({ client }: Pick<SeededUser, 'client'>) =>
  dataOf(client.send(START_REGISTRATION), 'startPasskeyRegistration');
const finish = ({ client }: Pick<SeededUser, 'client'>, response: object, name?: string) =>
  client.send(FINISH_REGISTRATION, { response, name });
const passkeysOf = (id: string) => app.db.executor.select().from(passkeys).where(eq(passkeys.userId, id));
const eventsOf = async (id: string, type: string) =>
  (await app.db.executor.select().from(auditEvents).where(eq(auditEvents.userId, id)).orderBy(auditEvents.id)).filter(
    (event) => event.type === type,
  );
const clearChallenges = () => app.db.executor.delete(passkeyChallenges);

t.test('returns creation options with an opaque user handle and no personal data in it', async (t) => {
  const user = await app.user({ displayName: 'Ada' });
  const options = await start(user);
  t.match(options, {
    rp: { id: 'auth.test', name: 'Latchkey' },
    user: { name: user.username, displayName: 'Ada', id: /^[\w-]{43}$/ },
    challenge: /^[\w-]{43}$/,
    pubKeyCredParams: [{ alg: -8 }, { alg: -7 }, { alg: -257 }],
    attestation: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
    excludeCredentials: [],
  });
  t.equal((await start(user))['user'].id, options['user'].id, 'the same for all passkeys of the account');
});

t.test('registers a passkey, audits it and notifies the owner', async (t) => {
  const user = await app.user();
  const { passkey } = await registerPasskey(user.client, {}, '  Ada’s   phone ');
  t.match(passkey, { name: 'Ada’s phone', lastUsedAt: null, synced: false });
  t.same((await user.client.send(PASSKEYS)).data!['me'].secondFactors.passkeys, [passkey]);
  t.match(await passkeysOf(user.id), [{ counter: 0, transports: ['hybrid', 'internal'] }]);
  t.match(await eventsOf(user.id, 'passkey.added'), [{ detail: passkey['id'] }]);
  t.match((await app.mailTo(user.email)).at(-1)?.subject, /passkey was added/);
});

t.test('makes the passkey a second factor, which ends other sessions and is part of the present one', async (t) => {
  const user = await app.user();
  await app.client().send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  await registerPasskey(user.client, { synced: true });
  const rows = await app.db.executor.select().from(sessions).where(eq(sessions.userId, user.id));
  const live = rows.filter(({ endedAt }) => endedAt === null);
  t.match(live, [{ amr: ['pwd', 'swk', 'user', 'mfa'] }]);
  t.equal(live.length, 1);
  const login = await app.client().send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  t.equal(login.code, 'SECOND_FACTOR_REQUIRED');
  t.same(login.errors[0]!.extensions.methods, ['PASSKEY']);
});

t.test('numbers passkeys without a name', async (t) => {
  const user = await app.user();
  const [first, second] = [await registerPasskey(user.client), await registerPasskey(user.client)];
  t.same([first.passkey['name'], second.passkey['name']], ['Passkey 1', 'Passkey 2']);
});

t.test('excludes the registered credentials from the next registration', async (t) => {
  const user = await app.user();
  await registerPasskey(user.client);
  const [{ credentialId } = { credentialId: '' }] = await passkeysOf(user.id);
  t.same((await start(user))['excludeCredentials'], [
    { id: credentialId, type: 'public-key', transports: ['hybrid', 'internal'] },
  ]);
});

t.test('accepts the response as an object literal', async (t) => {
  const user = await app.user();
  const response = createAuthenticator().register(await start(user));
  const literal = JSON.stringify(response).replace(/"(\w+)":/g, '$1: ');
  const document = `mutation { finishPasskeyRegistration(response: ${literal}) { name } }`;
  t.same((await user.client.send(document)).data, { finishPasskeyRegistration: { name: 'Passkey 1' } });
});

t.test('accepts an attestation of several kilobytes, and ignores it', async (t) => {
  const user = await app.user();
  const statement = new Map<string, Cbor>([
    ['alg', -7],
    ['sig', Buffer.alloc(64)],
    ['x5c', [Buffer.alloc(3000), Buffer.alloc(3000)]],
  ]);
  const response = createAuthenticator().register(await start(user), { attestation: ['packed', statement] });
  t.equal((await finish(user, response)).code, undefined);
});

t.test('rejects responses of other origins, relying parties, challenges and kinds, and changes nothing', async (t) => {
  const user = await app.user();
  const ceremonies: Ceremony[] = [
    { origin: 'http://evil.test' },
    { origin: 'https://auth.test' },
    { origin: 'http://auth.test:8080' },
    { rpId: 'evil.test' },
    { challenge: Buffer.alloc(32).toString('base64url') },
    { type: 'webauthn.get' },
    { userPresent: false },
    { crossOrigin: true },
    { credentialId: Buffer.alloc(1024) },
  ];
  const accepted = [];
  for (const ceremony of ceremonies) {
    await clearChallenges();
    const response = createAuthenticator().register(await start(user), ceremony);
    const { code, errors } = await finish(user, response);
    if (code !== 'VALIDATION_ERROR' || errors[0]!.extensions.details?.[0]?.field !== 'response')
      accepted.push({ ceremony, code });
  }
  t.same(accepted, []);
  t.same(await passkeysOf(user.id), []);
});

t.test('accepts a challenge once, for five minutes, in its session only', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const options = await start(user);
  const response = createAuthenticator().register(options);
  t.equal((await finish(other, response)).code, 'VALIDATION_ERROR', 'another account');
  const login = await app.client().send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  const elsewhere = { client: user.client.with({ token: login.data!['login'].accessToken }) };
  t.equal((await finish(elsewhere, response)).code, 'VALIDATION_ERROR', 'another session');
  t.equal((await finish(user, response)).code, undefined);
  t.equal((await finish(user, createAuthenticator().register(options))).code, 'VALIDATION_ERROR', 'used');
  const late = createAuthenticator().register(await start(user));
  app.clock.advance(300_000);
  t.equal((await finish(user, late)).code, 'VALIDATION_ERROR', 'expired');
  t.equal((await passkeysOf(user.id)).length, 1);
});

t.test('rejects a credential that is registered already, also with another account', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const credentialId = Buffer.from('the same credential of two accounts');
  await finish(user, createAuthenticator().register(await start(user), { credentialId }));
  const response = createAuthenticator().register(await start(other), { credentialId });
  t.equal((await finish(other, response)).code, 'VALIDATION_ERROR');
  const [row] = await app.db.executor.select().from(users).where(eq(users.id, other.id));
  t.equal(row!.hasSecondFactor, false);
});

t.test('adds one of two passkeys that answer one challenge at once', async (t) => {
  const user = await app.user();
  const options = await start(user);
  const codes = await Promise.all(
    [0, 1].map(async () => (await finish(user, createAuthenticator().register(options))).code),
  );
  t.same(codes.sort(), ['VALIDATION_ERROR', undefined]);
  t.equal((await passkeysOf(user.id)).length, 1);
});

t.test('rejects names that mislead or are too long, and keeps the challenge', async (t) => {
  const user = await app.user();
  const response = createAuthenticator().register(await start(user));
  for (const name of ['', ' ', 'x'.repeat(65), 'a\u202eb', 'a\u0000b'])
    t.equal((await finish(user, response, name)).errors[0]?.extensions.details?.[0]?.field, 'name');
  t.equal((await finish(user, response, 'Phone')).code, undefined);
});

t.test('limits the passkeys of an account to 20', async (t) => {
  const user = await app.user();
  const { passkey } = await registerPasskey(user.client);
  const [row] = await passkeysOf(user.id);
  const copies = Array.from({ length: 18 }, (_, index) => ({
    ...row!,
    id: randomUUID(),
    credentialId: `copy-${index}`,
  }));
  await app.db.executor.insert(passkeys).values(copies);
  const waiting = await start(user);
  await registerPasskey(user.client);
  t.equal((await user.client.send(START_REGISTRATION)).code, 'VALIDATION_ERROR');
  t.equal((await finish(user, createAuthenticator().register(waiting))).code, 'VALIDATION_ERROR');
  await user.client.send(REMOVE, { id: passkey['id'] });
  t.equal((await finish(user, createAuthenticator().register(waiting))).code, undefined);
});

t.test('requires a recent login to add and remove', async (t) => {
  const user = await app.user();
  const { passkey } = await registerPasskey(user.client);
  const response = createAuthenticator().register(await start(user));
  // Access tokens live as long, so the check needs a session that was authenticated earlier.
  const earlier = new Date(app.clock.now() - 15 * 60_000 - 1);
  await app.db.executor.update(sessions).set({ authenticatedAt: earlier }).where(eq(sessions.userId, user.id));
  const answers = [
    await user.client.send(START_REGISTRATION),
    await finish(user, response),
    await user.client.send(REMOVE, { id: passkey['id'] }),
  ];
  t.same(
    answers.map(({ code }) => code),
    ['STEP_UP_REQUIRED', 'STEP_UP_REQUIRED', 'STEP_UP_REQUIRED'],
  );
  t.same(answers[0]!.errors[0]!.extensions.methods, ['PASSKEY']);
  t.equal((await passkeysOf(user.id)).length, 1);
});

t.test("renames the caller's passkeys only, and audits it", async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const id = (await registerPasskey(user.client)).passkey['id'] as string;
  t.equal((await other.client.send(RENAME, { id, name: 'Mine' })).code, 'NOT_FOUND');
  t.equal((await user.client.send(RENAME, { id: 'x', name: 'Mine' })).code, 'NOT_FOUND');
  t.equal((await user.client.send(RENAME, { id, name: '' })).code, 'VALIDATION_ERROR');
  t.same((await user.client.send(RENAME, { id, name: 'Key ring' })).data, { renamePasskey: { id, name: 'Key ring' } });
  t.match(await eventsOf(user.id, 'passkey.renamed'), [{ detail: id }]);
});

t.test("removes the caller's passkeys only, audits it and notifies the owner", async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const { passkey, authenticator } = await registerPasskey(user.client);
  const { id } = passkey;
  t.equal((await other.client.send(REMOVE, { id })).code, 'NOT_FOUND');
  t.equal((await user.client.send(REMOVE, { id: 'x' })).code, 'NOT_FOUND');
  t.same((await user.client.send(REMOVE, { id })).data, { removePasskey: true });
  t.equal((await user.client.send(REMOVE, { id })).code, 'NOT_FOUND');
  t.match(await eventsOf(user.id, 'passkey.removed'), [{ detail: id }]);
  t.match((await app.mailTo(user.email)).at(-1)?.subject, /passkey was removed/);
  t.equal((await loginWithPasskey(app.client(), authenticator)).code, 'INVALID_CREDENTIALS');
  const login = await app.client().send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  t.equal(login.code, undefined, 'the password is enough again');
});

t.test('keeps the last passkey of an account without a password', async (t) => {
  const user = await app.user();
  const { id } = (await registerPasskey(user.client)).passkey;
  await app.db.executor.update(users).set({ passwordHash: null }).where(eq(users.id, user.id));
  t.equal((await user.client.send(REMOVE, { id })).code, 'VALIDATION_ERROR');
  t.equal((await passkeysOf(user.id)).length, 1);
  await registerPasskey(user.client);
  t.equal((await user.client.send(REMOVE, { id })).code, undefined, 'one of two can be removed');
});

t.test('with EMAIL_LOGIN, removes it if the address is confirmed', async (t) => {
  const mailing = await startTestApp(t, { EMAIL_LOGIN: 'true' });
  const user = await mailing.user();
  const { id } = (await registerPasskey(user.client)).passkey;
  const left = { passwordHash: null, isVerified: false };
  await mailing.db.executor.update(users).set(left).where(eq(users.id, user.id));
  t.equal((await user.client.send(REMOVE, { id })).code, 'VALIDATION_ERROR');
  await mailing.db.executor.update(users).set({ isVerified: true }).where(eq(users.id, user.id));
  t.equal((await user.client.send(REMOVE, { id })).code, undefined);
});

t.test('deletes expired challenges', async (t) => {
  await clearChallenges();
  await start(await app.user());
  app.clock.advance(300_000);
  await app.runJob('clean up passkey challenges');
  t.same(await app.db.executor.select().from(passkeyChallenges), []);
});
