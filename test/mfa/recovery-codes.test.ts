import { eq } from 'drizzle-orm';
import t from 'tap';
import { auditEvents, recoveryCodes } from '../../src/db/schema/index.js';
import { createRecoveryCode, recoveryCodeHash } from '../../src/mfa/recovery-codes/codes.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, type SeededUser } from '../helpers/seed.js';
import { enrollTotp, LOGIN_WITH_FACTOR } from '../helpers/totp.js';

const app = await startTestApp(t);
const REGENERATE = 'mutation { regenerateRecoveryCodes { codes } }';

async function enrolledUser() {
  const user = await app.user();
  return { ...user, ...(await enrollTotp(user.client, () => app.clock.now())) };
}
async function loginWith({ username }: SeededUser, recoveryCode: string) {
  const input = { identifier: username, password: PASSWORD };
  const { challenge } = (await app.client().send(LOGIN, { input })).errors[0]!.extensions;
  return app.client().send(LOGIN_WITH_FACTOR, { input: { challenge, recoveryCode } });
}

t.test('accepts each code once', async (t) => {
  const user = await enrolledUser();
  const answer = await loginWith(user, user.recoveryCodes[0]!);
  t.equal(answer.data?.['loginWithSecondFactor'].user.secondFactors.recoveryCodesLeft, 9);
  t.equal((await loginWith(user, user.recoveryCodes[0]!)).code, 'INVALID_CODE');
  t.equal((await loginWith(user, user.recoveryCodes[1]!)).code, undefined);
});

t.test('rejects the code of another account', async (t) => {
  const [user, other] = [await enrolledUser(), await enrolledUser()];
  t.equal((await loginWith(user, other.recoveryCodes[0]!)).code, 'INVALID_CODE');
  t.equal((await loginWith(other, other.recoveryCodes[0]!)).code, undefined, 'and does not use it up');
});

t.test(
  'accepts codes in any case, without dashes, in full width, and with letters that look like digits',
  async (t) => {
    const code = '0123-4567-89AB-CDEF';
    const typed = [
      '0123456789abcdef',
      ' O1Z3'.replace('Z', '2') + ' 4567 89ab cdef',
      'oI23-4567–89AB—CDEF',
      '０１２３456789ABCDEF',
    ];
    t.same(
      typed.map(recoveryCodeHash),
      typed.map(() => recoveryCodeHash(code)),
    );
  },
);

t.test('has no hash for a malformed code', async (t) => {
  const malformed = ['', '0123-4567-89AB-CDE', '0123-4567-89AB-CDEFG', '0123-4567-89AB-CDEU', '0'.repeat(1_000_000)];
  t.same(
    malformed.filter((code) => recoveryCodeHash(code) !== undefined),
    [],
  );
});

t.test('creates codes of 80 bits', async (t) => {
  const codes = Array.from({ length: 1000 }, createRecoveryCode);
  t.equal(new Set(codes).size, codes.length);
  t.equal(new Set(codes.join('').replaceAll('-', '')).size, 32, 'every character of the alphabet');
});

t.test('stores hashes only', async (t) => {
  const user = await enrolledUser();
  const rows = await app.db.executor.select().from(recoveryCodes).where(eq(recoveryCodes.userId, user.id));
  const stored = JSON.stringify(rows);
  t.same(
    user.recoveryCodes.filter((code) => stored.includes(code) || stored.includes(code.replaceAll('-', ''))),
    [],
  );
});

t.test('mails the owner when a code is used, and audits how many are left', async (t) => {
  const user = await enrolledUser();
  await loginWith(user, user.recoveryCodes[0]!);
  t.match((await app.mailTo(user.email)).at(-1)!.subject, 'A recovery code was used');
  const events = await app.db.executor.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
  t.same(
    events.filter(({ type }) => type === 'recovery_code.used').map(({ detail }) => detail),
    ['9 left'],
  );
});

t.test('mails nothing when a code is wrong', async (t) => {
  const user = await enrolledUser();
  const before = (await app.mailTo(user.email)).length;
  await loginWith(user, '0000-0000-0000-0000');
  t.equal((await app.mailTo(user.email)).length, before);
});

t.test('replaces all codes by new ones', async (t) => {
  const user = await enrolledUser();
  const { codes } = (await user.client.send(REGENERATE)).data!['regenerateRecoveryCodes'];
  t.equal(codes.length, 10);
  t.equal((await loginWith(user, user.recoveryCodes[0]!)).code, 'INVALID_CODE');
  t.equal((await loginWith(user, codes[0])).code, undefined);
});

t.test('creates no codes for an account without a second factor', async (t) => {
  const user = await app.user();
  t.equal((await user.client.send(REGENERATE)).code, 'VALIDATION_ERROR');
  t.same(await app.db.executor.select().from(recoveryCodes).where(eq(recoveryCodes.userId, user.id)), []);
});
