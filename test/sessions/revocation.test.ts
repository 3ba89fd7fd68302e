import { createEmailCodes } from '../../src/email-codes/service.js';
import { createChallenges } from '../../src/mfa/challenges/service.js';
import { sql } from 'drizzle-orm';
import t from 'tap';
import { clearInBatches } from '../../src/db/clear-in-batches.js';
import { createAudit } from '../../src/audit/audit.js';
import { createRevocation } from '../../src/sessions/revocation.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, LOGOUT, ME, REFRESH, UPDATE_ME, type SeededUser } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';
import { noEvents } from '../helpers/events.js';

const app = await startTestApp(t);
const SESSIONS = '{ me { sessions { id current ipAddress userAgent lastUsedAt } } }';
const REVOKE = 'mutation ($id: ID!) { revokeSession(id: $id) }';
const REVOKE_OTHERS = 'mutation { revokeOtherSessions }';

/** Logs in once more, from elsewhere. */
async function another(user: SeededUser) {
  const client = app.client();
  const { data } = await client.send(LOGIN, { input: { identifier: user.username, password: user.password } });
  const { accessToken, refreshToken } = data!['login'] as { accessToken: string; refreshToken: string };
  return { client: client.with({ token: accessToken }), refreshToken, id: String(claimsOf(accessToken)['sid']) };
}

t.test('lists sessions with their clients by last use', async (t) => {
  const user = await app.user();
  app.clock.advance(1000);
  await app
    .client({ ip: '203.0.113.9', headers: { 'user-agent': 'Phone/1.0' } })
    .send(LOGIN, { input: { identifier: user.username, password: user.password } });
  const { sessions } = (await user.client.send(SESSIONS)).data!['me'];
  t.equal(sessions.length, 2);
  t.match(sessions[0], { ipAddress: '203.0.113.9', userAgent: 'Phone/1.0', current: false });
  t.equal(sessions[1].current, true);
});

t.test('revokes and audits an own session and rejects its tokens immediately', async (t) => {
  const user = await app.user();
  const other = await another(user);
  t.equal((await user.client.send(REVOKE, { id: other.id })).data?.['revokeSession'], true);
  t.equal((await other.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await other.client.send(REFRESH, { refreshToken: other.refreshToken })).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await user.client.send(ME)).code, undefined, 'the one that asked goes on');
  t.match(await auditOf(app.db, user.id), [{ type: 'session.revoked', sessionId: other.id, actorId: user.id }]);
  t.equal((await user.client.send(REVOKE, { id: other.id })).code, 'NOT_FOUND', 'it is over');
});

t.test("answers NOT_FOUND for another account's session", async (t) => {
  const [mine, theirs] = [await app.user(), await app.user()];
  const id = String(claimsOf(theirs.accessToken)['sid']);
  for (const wrong of [id, 'x', '', "' or 1=1", id.toUpperCase()]) {
    const answer = await mine.client.send(REVOKE, { id: wrong });
    t.same([answer.code, answer.status], ['NOT_FOUND', 404], wrong);
  }
  t.equal((await theirs.client.send(ME)).code, undefined);
});

t.test('revokes all other sessions and returns the count', async (t) => {
  const user = await app.user();
  const others = [await another(user), await another(user)];
  const stranger = await app.user();
  t.equal((await user.client.send(REVOKE_OTHERS)).data?.['revokeOtherSessions'], 2);
  for (const other of others) t.equal((await other.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await user.client.send(ME)).code, undefined);
  t.equal((await stranger.client.send(ME)).code, undefined);
  t.equal((await user.client.send(REVOKE_OTHERS)).data?.['revokeOtherSessions'], 0, 'there are no more');
});

t.test('audits a logout and rejects later fields of the document', async (t) => {
  const user = await app.user();
  const both = await user.client.send('mutation { logout updateMe(input: { displayName: "after" }) { displayName } }');
  t.equal(both.code, 'INVALID_TOKEN');
  t.match(await auditOf(app.db, user.id), [{ type: 'session.ended' }]);
  const named = await app.db.executor.execute(sql`select id from users where display_name = 'after'`);
  t.notMatch(JSON.stringify(named), user.id);
  t.equal((await user.client.send(LOGOUT)).code, 'INVALID_TOKEN');
});

t.test('ends and audits a session once for concurrent logouts', async (t) => {
  const user = await app.user();
  await Promise.all(Array.from({ length: 5 }, () => user.client.send(LOGOUT)));
  const ended = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'session.ended');
  t.equal(ended.length, 1);
});

t.test('records use to within five minutes without earlier writes', async (t) => {
  const user = await app.user();
  const lastUsedAt = async () => {
    const { data } = await user.client.send(SESSIONS);
    return Date.parse(data!['me'].sessions[0].lastUsedAt as string);
  };
  const opened = await lastUsedAt();
  app.clock.advance(299_000);
  await user.client.send(ME);
  await app.runJob('record session use');
  t.equal(await lastUsedAt(), opened);
  app.clock.advance(2_000);
  await user.client.send(ME);
  await app.runJob('record session use');
  t.equal(await lastUsedAt(), app.clock.now());
});

t.test('deletes ended and expired sessions in batches, on one instance at a time', async (t) => {
  const fresh = await startTestApp(t);
  const { db, clock } = fresh;
  const user = await fresh.user();
  const old = new Date(clock.now() - 90_000_000).toISOString();
  await db.executor
    .execute(sql`insert into sessions (id, user_id, rotated_at, created_at, last_used_at, expires_at, ended_at)
    select gen_random_uuid(), ${user.id}::uuid, now(), now(), now(),
      case when n % 2 = 0 then ${old}::timestamptz else now() + interval '1 day' end,
      case when n % 2 = 1 then ${old}::timestamptz end
    from generate_series(1, 2500) n`);
  const revocation = createRevocation({
    voidApiKeys: async () => 0,
    onEnded: async () => undefined,
    db,
    clock,
    challenges: createChallenges({ clock }),
    codes: createEmailCodes({ clock, secrets: ['x'] }),
    audit: createAudit({ db, clock, events: noEvents, retentionMs: 1 }),
  });
  const cleared = await Promise.all([1, 2].map(() => clearInBatches(db, 'sessions', revocation.clear)));
  t.equal(cleared[0]! + cleared[1]!, 2500);
  t.equal((await user.client.send(ME)).code, undefined, 'the live one stays');
  await user.client.send(UPDATE_ME, { input: { displayName: 'x' } });
});
