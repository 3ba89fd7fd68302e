/** One code, one challenge and one enrolment at two instances of a deployment, with all requests at the same time. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import type { Database } from '../../src/db/database.js';
import { secondFactorChallenges, sessions, totpFactors } from '../../src/db/schema/index.js';
import { serviceUnavailable } from '../../src/lib/errors.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, type SeededUser } from '../helpers/seed.js';
import { CONFIRM_TOTP, enrollTotp, LOGIN_WITH_FACTOR, START_TOTP, totpCode, wrongCode } from '../helpers/totp.js';

const first = await startTestApp(t);
const second = await startTestApp(t, {}, first.db, first.clock);
const instances = [first, second];
const { clock } = first;

async function enrolledUser() {
  const user = await first.user();
  const enrolled = await enrollTotp(user.client, () => clock.now());
  clock.advance(30_000);
  return { ...user, ...enrolled };
}
const login = ({ username }: SeededUser, app = first) =>
  app.client().send(LOGIN, { input: { identifier: username, password: PASSWORD } });
const challengeOf = async (user: SeededUser) => (await login(user)).errors[0]!.extensions.challenge!;
/** Sends each input to the instances in turn, from a network of its own. */
const all = (inputs: readonly object[]) =>
  Promise.all(inputs.map((input, index) => instances[index % 2]!.client().send(LOGIN_WITH_FACTOR, { input })));
const live = async (id: string) =>
  (await first.db.executor.select().from(sessions).where(eq(sessions.userId, id))).filter(
    ({ endedAt }) => endedAt === null,
  );
const codesOf = (answers: readonly { code: string | undefined }[]) =>
  answers.map(({ code }) => code ?? 'session').sort();

t.test('a code of the app opens one session, whatever the challenges', async (t) => {
  const user = await enrolledUser();
  const challenges = [];
  for (let each = 0; each < 4; each += 1) challenges.push(await challengeOf(user));
  const totp = totpCode(user.secret, clock.now());
  const answers = await all(challenges.map((challenge) => ({ challenge, totp })));
  t.same(codesOf(answers), ['INVALID_CODE', 'INVALID_CODE', 'INVALID_CODE', 'session']);
  t.equal((await live(user.id)).length, 2, 'the registration and one login');
});

t.test('a recovery code opens one session, whatever the challenges', async (t) => {
  const user = await enrolledUser();
  const challenges = [];
  for (let each = 0; each < 4; each += 1) challenges.push(await challengeOf(user));
  const answers = await all(challenges.map((challenge) => ({ challenge, recoveryCode: user.recoveryCodes[0] })));
  t.same(codesOf(answers), ['INVALID_CODE', 'INVALID_CODE', 'INVALID_CODE', 'session']);
});

t.test('a challenge opens one session, and uses up one of the codes that are sent with it', async (t) => {
  const user = await enrolledUser();
  const challenge = await challengeOf(user);
  const answers = await all(user.recoveryCodes.slice(0, 4).map((recoveryCode) => ({ challenge, recoveryCode })));
  t.same(codesOf(answers), ['INVALID_TOKEN', 'INVALID_TOKEN', 'INVALID_TOKEN', 'session']);
  const opened = answers.find(({ code }) => code === undefined)!.data!['loginWithSecondFactor'];
  t.equal(opened.user.secondFactors.recoveryCodesLeft, 9);
});

t.test('five wrong codes are verified, however many are tried', async (t) => {
  const user = await enrolledUser();
  const challenge = await challengeOf(user);
  const totp = wrongCode(user.secret, clock.now());
  const answers = await all(Array.from({ length: 12 }, () => ({ challenge, totp })));
  t.equal(codesOf(answers).filter((code) => code === 'INVALID_CODE').length, 5);
  const [row] = await first.db.executor
    .select()
    .from(secondFactorChallenges)
    .where(eq(secondFactorChallenges.userId, user.id));
  t.equal(row!.tries, 5);
});

t.test('an enrolment leaves no session of concurrent logins without a second factor', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const user = await first.user();
    const { secret } = (await user.client.send(START_TOTP)).data!['startTotpEnrollment'];
    const code = totpCode(secret, clock.now());
    const [enrolled] = await Promise.all([
      user.client.send(CONFIRM_TOTP, { code }),
      ...Array.from({ length: 6 }, (_, index) => login(user, instances[index % 2])),
    ]);
    t.equal(enrolled.code, undefined);
    t.same(
      (await live(user.id)).filter(({ amr }) => !amr.includes('mfa')),
      [],
    );
  }
});

t.test('one of several parallel confirmations enrols the app and returns recovery codes', async (t) => {
  const user = await first.user();
  const { secret } = (await user.client.send(START_TOTP)).data!['startTotpEnrollment'];
  const code = totpCode(secret, clock.now());
  const token = user.accessToken;
  const answers = await Promise.all(
    Array.from({ length: 4 }, (_, index) => instances[index % 2]!.client({ token }).send(CONFIRM_TOTP, { code })),
  );
  t.equal(answers.filter(({ code: each }) => each === undefined).length, 1);
  t.equal((await first.db.executor.select().from(totpFactors).where(eq(totpFactors.userId, user.id))).length, 1);
});

t.test('a database fault before the commit uses up neither challenge nor code', async (t) => {
  const user = await enrolledUser();
  const faults = { left: 0 };
  const faulty: Database = {
    ...first.db,
    transaction: (work) =>
      first.db.transaction(async (tx) => {
        const result = await work(tx);
        if (faults.left > 0) {
          faults.left -= 1;
          throw serviceUnavailable('The database is unavailable.');
        }
        return result;
      }),
  };
  const app = await startTestApp(t, {}, faulty, clock);
  for (const factor of [{ totp: totpCode(user.secret, clock.now()) }, { recoveryCode: user.recoveryCodes[0] }]) {
    const challenge = await challengeOf(user);
    const before = (await live(user.id)).length;
    const finish = () => app.client().send(LOGIN_WITH_FACTOR, { input: { challenge, ...factor } });
    faults.left = 1;
    t.equal((await finish()).code, 'SERVICE_UNAVAILABLE');
    t.equal((await live(user.id)).length, before);
    t.equal((await finish()).code, undefined);
  }
});
