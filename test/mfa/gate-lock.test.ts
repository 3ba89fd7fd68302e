/**
 * A sign-in and the enrolment of the first second factor at the same time, each held open before its commit. Calls `sessions.open`
 * itself: the ways to sign in lock the account before they call it, and the gate must not depend on that.
 */
import { eq, sql } from 'drizzle-orm';
import t from 'tap';
import { createAudit } from '../../src/audit/audit.js';
import { createScopeCatalogue } from '../../src/authz/scopes.js';
import { createRefreshTokens } from '../../src/crypto/refresh-token.js';
import { sessions as sessionTable } from '../../src/db/schema/index.js';
import { createChallenges } from '../../src/mfa/challenges/service.js';
import { createSecondFactorPolicy } from '../../src/mfa/policy.js';
import { PASSWORD } from '../../src/sessions/params.js';
import { createSessions } from '../../src/sessions/service.js';
import { createSecondFactorGate, isChallenged } from '../../src/sessions/sign-in.js';
import { createAccountRepository } from '../../src/users/repository.js';
import { startTestApp } from '../helpers/app.js';
import { onRealPostgres } from '../helpers/database.js';
import { until } from '../helpers/instances.js';
import { CONFIRM_TOTP, START_TOTP, totpCode } from '../helpers/totp.js';

const app = await startTestApp(t);
const { db, clock } = app;
const sessions = createSessions({
  db,
  clock,
  audit: createAudit({ db, clock, events: app.events, retentionMs: 1e12 }),
  refreshTokens: createRefreshTokens(app.config.authSecrets),
  grantTokens: createRefreshTokens(app.config.authSecrets, 'oauth-refresh-token'),
  scopes: createScopeCatalogue(),
  lifetimes: { ...app.config.sessions, grants: { ttlMs: 1000, maxTtlMs: 1000 } },
  secondFactorGate: createSecondFactorGate(createChallenges({ clock })),
  secondFactorPolicy: createSecondFactorPolicy('none'),
  onEnded: async () => undefined,
});
const CLIENT = { client: { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: 'test' }, rememberMe: false };

/** An account that has started an enrolment. */
async function starting() {
  const user = await app.user();
  const { secret } = (await user.client.send(START_TOTP)).data!['startTotpEnrollment'];
  const confirm = () => user.client.send(CONFIRM_TOTP, { code: totpCode(secret, clock.now()) });
  const account = (await createAccountRepository(db.executor).findById(user.id))!.account;
  return { id: user.id, account, confirm };
}
const liveOf = async (userId: string) =>
  (await db.executor.select().from(sessionTable).where(eq(sessionTable.userId, userId))).filter(
    ({ endedAt }) => endedAt === null,
  );
const blocked = () =>
  db.executor
    .select({ pid: sql<number>`pid` })
    .from(sql`pg_stat_activity`)
    .where(sql`datname = current_database() and wait_event_type = 'Lock'`);
/** Resolves with true as soon as `count` connections wait for a lock, `work` being one of them; false if it ends without. */
async function waitsForLock(work: Promise<unknown>, count = 1): Promise<boolean> {
  const state = { ended: false };
  const end = () => void (state.ended = true);
  work.then(end, end);
  await until(async () => state.ended || (await blocked()).length >= count);
  return !state.ended;
}

if (onRealPostgres) {
  t.test('an enrolment waits for a sign-in, and ends its session', async (t) => {
    const { id, account, confirm } = await starting();
    let enrolment: ReturnType<typeof confirm> | undefined;
    const opened = await db.transaction(async (tx) => {
      const signIn = await sessions.open(tx, account, CLIENT, PASSWORD);
      enrolment = confirm();
      t.equal(await waitsForLock(enrolment), true);
      return signIn;
    });
    t.notOk(isChallenged(opened));
    t.equal((await enrolment!).code, undefined);
    const live = await liveOf(id);
    t.equal(live.length, 1);
    t.ok(live[0]!.amr.includes('mfa'), 'the session that enrolled');
  });

  t.test('a sign-in waits for an enrolment, and needs the second factor', async (t) => {
    const { id, account, confirm } = await starting();
    let enrolment: ReturnType<typeof confirm> | undefined;
    let signIn: ReturnType<typeof sessions.open> | undefined;
    await db.transaction(async (tx) => {
      // Holds the enrolment where it inserts the recovery codes, after the second factor.
      await tx.execute(sql`lock table recovery_codes in share mode`);
      enrolment = confirm();
      t.equal(await waitsForLock(enrolment), true);
      signIn = db.transaction((other) => sessions.open(other, account, CLIENT, PASSWORD));
      t.equal(await waitsForLock(signIn, 2), true);
    });
    t.equal((await enrolment!).code, undefined);
    t.ok(isChallenged(await signIn!));
    t.ok((await liveOf(id)).every(({ amr }) => amr.includes('mfa')));
  });
} else {
  t.test('the embedded database runs one transaction at a time', async (t) => t.equal(onRealPostgres, false));
}
