/** Second factors with two server processes on one Postgres: concurrent use of one code, and a connection lost in COMMIT. */
import postgres from 'postgres';
import t from 'tap';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { ask, register, startInstance, until, type Account, type Answer } from '../helpers/instances.js';
import type { ServerProcess } from '../helpers/process.js';
import { LOGIN, PASSWORD } from '../helpers/seed.js';
import { CONFIRM_TOTP, LOGIN_WITH_FACTOR, START_TOTP, totpCode } from '../helpers/totp.js';

/** The key of the advisory lock at which a COMMIT waits. */
const LOCK = 14;
const ROUNDS = 5;
let addresses = 0;
/** An address that no other request has. */
const ip = () => `198.51.${100 + Math.floor((addresses += 1) / 200)}.${addresses % 200}`;

async function startEnrollment(server: ServerProcess, { accessToken: token }: Account) {
  const { data } = await ask(server, START_TOTP, {}, { token, ip: ip() });
  return data!['startTotpEnrollment'].secret as string;
}

/** An account with an authenticator app, and a code of it that was not used. */
async function enrolled(server: ServerProcess) {
  const account = await register(server);
  const secret = await startEnrollment(server, account);
  const now = Date.now();
  const { data } = await ask(
    server,
    CONFIRM_TOTP,
    { code: totpCode(secret, now) },
    { token: account.accessToken, ip: ip() },
  );
  const recoveryCodes = data!['confirmTotpEnrollment'].codes as string[];
  return { ...account, recoveryCodes, totp: totpCode(secret, now + 30_000) };
}

async function challengeOf(server: ServerProcess, { username }: Account): Promise<string> {
  const input = { identifier: username, password: PASSWORD };
  return (await ask(server, LOGIN, { input }, { ip: ip() })).challenge!;
}
const finish = (server: ServerProcess, input: object) => ask(server, LOGIN_WITH_FACTOR, { input }, { ip: ip() });
const outcomes = (answers: readonly Answer[]) => answers.map(({ code }) => code ?? 'session').sort();

if (onRealPostgres) {
  const url = await createTestDatabase(t);
  const proxy = await faultProxy(t, url, 5432);
  const [one, other] = await Promise.all([
    startInstance(t, { DATABASE_URL: proxy.url, DATABASE_TIMEOUT: '60s' }),
    startInstance(t, { DATABASE_URL: url }),
  ]);
  const servers = [one, other, one, other];
  const admin = postgres(url, { max: 2, onnotice: () => undefined });
  t.teardown(() => admin.end({ timeout: 1 }));
  const live = async ({ id }: Account) =>
    (await admin`select amr from sessions where user_id = ${id} and ended_at is null`).length;

  t.test('both get a code of the app at once, with a challenge for each: one opens a session', async (t) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const account = await enrolled(one);
      const challenges = await Promise.all(servers.map((server) => challengeOf(server, account)));
      const { totp } = account;
      const answers = await Promise.all(servers.map((server, n) => finish(server, { challenge: challenges[n], totp })));
      t.same(outcomes(answers), ['INVALID_CODE', 'INVALID_CODE', 'INVALID_CODE', 'session']);
      t.equal(await live(account), 2, 'with the one that enrolled');
    }
  });

  t.test('both get a recovery code at once, with a challenge for each: one opens a session', async (t) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const account = await enrolled(other);
      const challenges = await Promise.all(servers.map((server) => challengeOf(server, account)));
      const [recoveryCode] = account.recoveryCodes;
      const answers = await Promise.all(
        servers.map((server, n) => finish(server, { challenge: challenges[n], recoveryCode })),
      );
      t.same(outcomes(answers), ['INVALID_CODE', 'INVALID_CODE', 'INVALID_CODE', 'session']);
      t.equal(await live(account), 2);
    }
  });

  t.test(
    'both get a challenge at once, with a right code for each: one opens a session and uses its code',
    async (t) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const account = await enrolled(one);
        const challenge = await challengeOf(other, account);
        const answers = await Promise.all(
          servers.map((server, n) => finish(server, { challenge, recoveryCode: account.recoveryCodes[n] })),
        );
        t.same(outcomes(answers), ['INVALID_TOKEN', 'INVALID_TOKEN', 'INVALID_TOKEN', 'session']);
        t.equal(await live(account), 2);
        const [left] = await admin`select count(*)::int as codes from recovery_codes where user_id = ${account.id}`;
        t.equal(left!['codes'], 9);
      }
    },
  );

  /** Cuts the connections of the first server while Postgres commits a row of the table, and returns the answer. */
  async function loseCommit(table: string, send: () => Promise<Answer>): Promise<Answer> {
    await admin.unsafe(`
      create or replace function wait_for_test() returns trigger language plpgsql as
        'begin perform pg_advisory_xact_lock_shared(${LOCK}); return null; end';
      create constraint trigger wait_at_commit after insert on ${table} deferrable initially deferred
        for each row execute function wait_for_test()`);
    // Outside the transaction, which would see one snapshot of pg_stat_activity.
    const committing = () => admin`select from pg_stat_activity
      where datname = current_database() and wait_event = 'advisory' and query ilike 'commit'`;
    let answer: Promise<Answer> | undefined;
    await admin.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(${LOCK})`;
      answer = send();
      await until(async () => (await committing()).length === 1);
      proxy.cut();
    });
    // Waits for the transaction.
    await admin.unsafe(`drop trigger wait_at_commit on ${table}`);
    await until(async () => (await ask(one, '{ __typename }')).code === undefined);
    return (await answer)!;
  }

  t.test('a second step whose COMMIT was not answered counts, and another sign-in succeeds', async (t) => {
    for (const kind of ['totp', 'recoveryCode'] as const) {
      const account = await enrolled(one);
      const factor = kind === 'totp' ? { totp: account.totp } : { recoveryCode: account.recoveryCodes[0] };
      const challenge = await challengeOf(one, account);
      const lost = await loseCommit('sessions', () => finish(one, { challenge, ...factor }));
      t.match(lost, { status: 503, code: 'SERVICE_UNAVAILABLE' }, kind);
      t.equal(await live(account), 2, 'Postgres has committed the session, whose tokens nobody has');

      t.equal((await finish(one, { challenge, ...factor })).code, 'INVALID_TOKEN', 'the challenge is used');
      const next = await challengeOf(one, account);
      t.equal((await finish(one, { challenge: next, ...factor })).code, 'INVALID_CODE', 'and so is the code');
      const again = await finish(one, { challenge: next, recoveryCode: account.recoveryCodes[1] });
      t.equal(again.code, undefined, 'another code signs in');
      t.equal(await live(account), 3);
    }
  });

  t.test('an enrolment whose COMMIT was not answered counts, and the owner gets new recovery codes', async (t) => {
    const account = await register(one);
    const caller = { token: account.accessToken, ip: ip() };
    const code = totpCode(await startEnrollment(one, account), Date.now());
    const lost = await loseCommit('totp_factors', () => ask(one, CONFIRM_TOTP, { code }, caller));
    t.equal(lost.code, 'SERVICE_UNAVAILABLE');
    t.equal((await ask(one, CONFIRM_TOTP, { code }, caller)).code, 'VALIDATION_ERROR', 'nothing is left to confirm');
    const { data } = await ask(one, '{ me { secondFactors { totp { createdAt } recoveryCodesLeft } } }', {}, caller);
    t.match(data!['me'].secondFactors, { totp: { createdAt: String }, recoveryCodesLeft: 10 });
    const renewed = await ask(one, 'mutation { regenerateRecoveryCodes { codes } }', {}, caller);
    const [recoveryCode] = renewed.data!['regenerateRecoveryCodes'].codes as string[];
    t.equal((await finish(one, { challenge: await challengeOf(one, account), recoveryCode })).code, undefined);
  });
} else {
  t.test('the embedded database has one process and no connections to lose', async (t) =>
    t.equal(onRealPostgres, false),
  );
}
