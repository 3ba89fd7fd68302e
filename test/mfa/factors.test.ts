import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import t from 'tap';
import { createAudit } from '../../src/audit/audit.js';
import { auditEvents, passkeys, recoveryCodes, sessions, totpFactors, users } from '../../src/db/schema/index.js';
import type { Executor } from '../../src/db/database.js';
import { createOutbox } from '../../src/mail/outbox.js';
import { createEmailCodes } from '../../src/email-codes/service.js';
import { createChallenges } from '../../src/mfa/challenges/service.js';
import { createFactors } from '../../src/mfa/factors/service.js';
import { createRevocation } from '../../src/sessions/revocation.js';
import { createAccountRepository } from '../../src/users/repository.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, type SeededUser } from '../helpers/seed.js';

const app = await startTestApp(t);
const { db, clock } = app;
const audit = createAudit({ db, clock, events: app.events, retentionMs: 1e12 });
const revocation = createRevocation({
  voidApiKeys: async () => 0,
  onEnded: async () => undefined,
  db,
  clock,
  audit,
  challenges: createChallenges({ clock }),
  codes: createEmailCodes({ clock, secrets: ['x'] }),
});
const outbox = createOutbox({ clock, onWake: () => undefined });
const policy = { mustEnroll: () => false };
const factors = createFactors({
  db,
  clock,
  audit,
  revocation,
  outbox,
  policy,
  ways: { emailLogin: false, issuers: [] },
});
const factorsWithEmailLogin = createFactors({
  db,
  clock,
  audit,
  revocation,
  outbox,
  policy,
  ways: { emailLogin: true, issuers: [] },
});
const client = { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: 'test' };

const sessionsOf = (id: string) =>
  db.executor.select().from(sessions).where(eq(sessions.userId, id)).orderBy(sessions.createdAt, sessions.id);
const accountOf = async (id: string) => (await createAccountRepository(db.executor).findById(id))!.account;
const typesOf = async (id: string) =>
  (await db.executor.select().from(auditEvents).where(eq(auditEvents.userId, id)).orderBy(auditEvents.id)).map(
    ({ type }) => type,
  );
const login = (identifier: string) => app.client().send(LOGIN, { input: { identifier, password: PASSWORD } });

const insertTotp = (tx: Executor, userId: string) =>
  tx.insert(totpFactors).values({ userId, secret: 'secret', lastStep: 0, createdAt: new Date(clock.now()) });
const insertPasskey = (tx: Executor, userId: string) =>
  tx.insert(passkeys).values({
    id: randomUUID(),
    userId,
    credentialId: randomUUID(),
    publicKey: 'key',
    counter: 0,
    synced: true,
    name: 'Passkey',
    createdAt: new Date(clock.now()),
  });

async function changeOf({ id: userId }: SeededUser) {
  const [session] = await sessionsOf(userId);
  return { userId, sessionId: session!.id, client };
}

/** Adds an authenticator app from the oldest session. */
async function addTotp(user: SeededUser) {
  const change = { ...(await changeOf(user)), type: 'totp.added', methods: ['otp'] } as const;
  return db.transaction(async (tx) => {
    await createAccountRepository(tx).lock(user.id);
    await insertTotp(tx, user.id);
    return factors.added(tx, change);
  });
}

async function removeTotp(user: SeededUser) {
  const change = { ...(await changeOf(user)), type: 'totp.removed' } as const;
  await db.transaction(async (tx) => {
    await createAccountRepository(tx).lock(user.id);
    await tx.delete(totpFactors).where(eq(totpFactors.userId, user.id));
    await factors.removed(tx, change);
  });
}

t.test('ends the other sessions when the first factor is added', async (t) => {
  const user = await app.user();
  await login(user.username);
  t.same(await addTotp(user), { isFirst: true });
  const [own, other] = await sessionsOf(user.id);
  t.equal(own!.endedAt, null);
  t.not(other!.endedAt, null);
  t.equal((await accountOf(user.id)).hasSecondFactor, true);
});

t.test('adds the first factor to the proof of the enrolling session', async (t) => {
  const user = await app.user();
  clock.advance(3_600_000);
  await addTotp(user);
  const [session] = await sessionsOf(user.id);
  t.same(session!.amr, ['pwd', 'otp', 'mfa']);
  t.equal(session!.authenticatedAt.getTime(), clock.now());
});

t.test('ends no session when a further factor is added', async (t) => {
  const user = await app.user();
  await addTotp(user);
  const change = { ...(await changeOf(user)), type: 'passkey.added', methods: ['swk', 'user'] } as const;
  await db.executor.insert(sessions).values({ ...(await sessionsOf(user.id))[0]!, id: randomUUID() });
  const added = await db.transaction(async (tx) => {
    await insertPasskey(tx, user.id);
    return factors.added(tx, change);
  });
  t.same(added, { isFirst: false });
  t.equal((await sessionsOf(user.id)).filter(({ endedAt }) => endedAt === null).length, 2);
});

t.test('rolls the enrolment back if its session has ended', async (t) => {
  const user = await app.user();
  await user.client.send('mutation { logout }');
  await t.rejects(addTotp(user), { code: 'INVALID_TOKEN' });
  t.equal((await accountOf(user.id)).hasSecondFactor, false);
  t.same(await db.executor.select().from(totpFactors).where(eq(totpFactors.userId, user.id)), []);
});

t.test('asks for no second factor after the last one was removed', async (t) => {
  const user = await app.user();
  await addTotp(user);
  t.equal((await login(user.username)).code, 'SECOND_FACTOR_REQUIRED');
  await removeTotp(user);
  t.equal((await login(user.username)).code, undefined);
});

t.test('deletes the recovery codes with the last factor, not before', async (t) => {
  const user = await app.user();
  await addTotp(user);
  await insertPasskey(db.executor, user.id);
  await db.executor.insert(recoveryCodes).values({ userId: user.id, codeHash: 'a', createdAt: new Date(0) });
  const codes = () => db.executor.select().from(recoveryCodes).where(eq(recoveryCodes.userId, user.id));
  await removeTotp(user);
  t.equal((await codes()).length, 1);
  const change = { ...(await changeOf(user)), type: 'passkey.removed' } as const;
  await db.transaction(async (tx) => {
    await tx.delete(passkeys).where(eq(passkeys.userId, user.id));
    await factors.removed(tx, change);
  });
  t.same(await codes(), []);
});

/** Removes the only passkey of an account without a password. Its address is confirmed or not. */
async function removeLastPasskey(remover: typeof factors, isVerified: boolean) {
  const user = await app.user();
  await insertPasskey(db.executor, user.id);
  await db.executor.update(users).set({ passwordHash: null, isVerified }).where(eq(users.id, user.id));
  const change = { ...(await changeOf(user)), type: 'passkey.removed' } as const;
  const refused = await db
    .transaction(async (tx) => {
      await tx.delete(passkeys).where(eq(passkeys.userId, user.id));
      await remover.removed(tx, change);
    })
    .catch((error: unknown) => error);
  const left = (await db.executor.select().from(passkeys).where(eq(passkeys.userId, user.id))).length;
  return { refused, left };
}

t.test('refuses to remove the last passkey of an account without a password', async (t) => {
  const refused = { code: 'VALIDATION_ERROR', details: { details: [{ field: 'id' }] } };
  t.match(await removeLastPasskey(factors, true), { refused, left: 1 });
  t.match(await removeLastPasskey(factorsWithEmailLogin, false), { refused, left: 1 }, 'an unconfirmed address');
});

t.test('removes it if codes can be mailed to a confirmed address', async (t) => {
  t.same(await removeLastPasskey(factorsWithEmailLogin, true), { refused: undefined, left: 0 });
});

t.test('audits each change and mails it to the owner', async (t) => {
  const user = await app.user();
  // The events of the app and of this test get ids from two generators.
  clock.advance(1000);
  await addTotp(user);
  await removeTotp(user);
  // Ids of two sources of the same millisecond have no order.
  const types = (await typesOf(user.id)).filter((type) => type.startsWith('totp.'));
  t.same(types, ['totp.added', 'totp.removed']);
  // Mails that are due at the same time are sent in any order.
  const subjects = (await app.mailTo(user.email)).map(({ subject }) => subject).sort();
  t.match(subjects, [/authenticator app was added/, /^Confirm/, /authenticator app was removed/]);
});
