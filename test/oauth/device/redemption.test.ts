/** The polls of a device (RFC 8628 sections 3.4 and 3.5). */
import t from 'tap';
import { eq, sql } from 'drizzle-orm';
import { oauthClients, oauthDeviceCodes, sessions } from '../../../src/db/schema/index.js';
import { OAuthError } from '../../../src/oauth/error.js';
import { hashSecret } from '../../../src/oauth/secret.js';
import type { IssuedSession } from '../../../src/sessions/service.js';
import { startTestApp } from '../../helpers/app.js';
import { auditOf } from '../../helpers/audit-trail.js';
import { approverOf, HERE, testDeviceCodes } from '../../helpers/device-codes.js';
import { seedClient } from '../../helpers/oauth.js';
import { setAccount } from '../../helpers/seed.js';

const app = await startTestApp(t);
const { db, clock } = app;
const codes = testDeviceCodes(app);
const other = testDeviceCodes(app);
const SCOPES = ['openid', 'read:content'];

async function setUp() {
  const { client } = await seedClient(app, { grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'] });
  const user = await app.user();
  const issued = await codes.issue({ clientId: client.id, scopes: SCOPES, resources: ['https://api.example.com'] });
  const approver = approverOf(app, user);
  const answer = async (decision: 'approved' | 'denied' = 'approved') => {
    const waiting = await codes.findWaiting(issued.userCode, approver);
    return (
      waiting !== undefined &&
      (await db.transaction((tx) => codes.answer(tx, waiting.deviceCodeHash, decision, approver)))
    );
  };
  const poll = (clientId = client.id, instance = codes): Promise<IssuedSession | string> =>
    instance.redeem(issued.deviceCode, clientId, HERE).catch((error: unknown) => {
      if (error instanceof OAuthError) return error.code;
      throw error;
    });
  const row = async () => {
    const hash = hashSecret(issued.deviceCode);
    const [found] = await db.executor.select().from(oauthDeviceCodes).where(eq(oauthDeviceCodes.deviceCodeHash, hash));
    return found!;
  };
  const grants = () => db.executor.select().from(sessions).where(eq(sessions.clientId, client.id));
  return { client, user, issued, approver, answer, poll, row, grants };
}

t.test('issues codes for ten minutes and stores their hashes only', async (t) => {
  const { issued, row } = await setUp();
  t.match(issued, { expiresIn: 600, interval: 5, userCode: /^[B-Z]{4}-[B-Z]{4}$/ });
  t.notMatch(JSON.stringify(await row()), issued.deviceCode);
  t.notMatch(JSON.stringify(await row()), issued.userCode.replace('-', ''));
});

t.test('answers authorization_pending until the person has answered', async (t) => {
  const { poll, grants } = await setUp();
  t.equal(await poll(), 'authorization_pending');
  clock.advance(5000);
  t.equal(await poll(), 'authorization_pending');
  t.same(await grants(), []);
});

t.test('answers slow_down to an early poll at any instance, and adds five seconds to the interval', async (t) => {
  const { client, poll, row } = await setUp();
  t.equal(await poll(), 'authorization_pending');
  clock.advance(4999);
  t.equal(await poll(client.id, other), 'slow_down');
  t.equal((await row()).intervalSeconds, 10);
  clock.advance(9999);
  t.equal(await poll(), 'slow_down');
  clock.advance(15_000);
  t.equal(await poll(client.id, other), 'authorization_pending');
});

t.test('admits one of parallel polls to the interval', async (t) => {
  const { client, poll, row } = await setUp();
  const answers = await Promise.all([codes, other, codes, other].map((instance) => poll(client.id, instance)));
  t.same(answers.sort(), ['authorization_pending', 'slow_down', 'slow_down', 'slow_down']);
  t.equal((await row()).intervalSeconds, 20);
});

t.test('opens a grant with the approved scopes and the sign-in of the person', async (t) => {
  const { client, user, approver, answer, poll } = await setUp();
  t.equal(await answer(), true);
  const opened = await poll();
  if (typeof opened === 'string') throw new Error(opened);
  t.match(opened, { scopes: SCOPES, enrolling: false, account: { id: user.id } });
  t.match(opened.session, {
    clientId: client.id,
    scopes: SCOPES,
    resources: ['https://api.example.com'],
    browserSessionId: approver.browserSessionId,
    authenticatedAt: approver.authenticatedAt,
    amr: ['pwd'],
  });
  const events = await auditOf(db, user.id);
  const { id: sessionId } = opened.session;
  t.match(
    events.filter((event) => event.sessionId === sessionId),
    [{ type: 'session.opened', detail: 'by authorization' }],
  );
  t.match(
    events.filter(({ type }) => type === 'oauth_device.approved'),
    [{ sessionId: approver.browserSessionId, detail: `client ${client.id}` }],
  );
});

t.test('gives an approved code once, also to parallel polls', async (t) => {
  const { client, answer, poll, grants } = await setUp();
  await answer();
  const answers = await Promise.all([codes, other, codes, other, codes].map((each) => poll(client.id, each)));
  t.equal(answers.filter((each) => typeof each === 'object').length, 1);
  t.same(
    answers.filter((each) => each !== 'invalid_grant' && typeof each === 'string'),
    [],
  );
  t.equal(await poll(), 'invalid_grant');
  t.equal((await grants()).length, 1);
});

t.test('answers invalid_grant to unknown codes and to another client, and spends nothing', async (t) => {
  const { answer, poll, row, grants } = await setUp();
  const stranger = await seedClient(app, { grantTypes: ['DEVICE_CODE'] });
  await answer();
  t.equal(await poll(stranger.client.id), 'invalid_grant');
  t.equal(await poll('unknown'), 'invalid_grant');
  await t.rejects(codes.redeem('', stranger.client.id, HERE), { code: 'invalid_grant' });
  t.match(await row(), { usedAt: null, lastPolledAt: null });
  t.same(await grants(), []);
  t.type(await poll(), 'object');
});

t.test('answers access_denied after a denial', async (t) => {
  const { client, user, answer, poll, grants } = await setUp();
  t.equal(await answer('denied'), true);
  t.equal(await poll(), 'access_denied');
  t.same(await grants(), []);
  const denials = (await auditOf(db, user.id)).filter(({ type }) => type === 'oauth_device.denied');
  t.match(denials, [{ detail: `client ${client.id}` }]);
});

t.test('answers expired_token after ten minutes, approved or not', async (t) => {
  const [pending, approved] = [await setUp(), await setUp()];
  await approved.answer();
  clock.advance(600_000);
  t.equal(await pending.poll(), 'expired_token');
  t.equal(await approved.poll(), 'expired_token');
  t.equal(await pending.answer(), false, 'the person cannot approve it any more');
  t.same(await approved.grants(), []);
});

for (const state of ['disabled', 'deleted'] as const)
  t.test(`answers invalid_grant if the account was ${state} after the approval`, async (t) => {
    const { user, answer, poll, grants } = await setUp();
    await answer();
    await setAccount(db, user.id, state);
    t.equal(await poll(), 'invalid_grant');
    t.same(await grants(), []);
  });

t.test('answers invalid_grant if the client was disabled after the approval', async (t) => {
  const { client, answer, poll, grants } = await setUp();
  await answer();
  await db.executor.update(oauthClients).set({ disabledAt: new Date() }).where(eq(oauthClients.id, client.id));
  t.equal(await poll(), 'invalid_grant');
  t.same(await grants(), []);
});

t.test('answers invalid_grant if the session that approved it has ended', async (t) => {
  const { user, answer, poll, grants } = await setUp();
  await answer();
  await user.client.send('mutation { logout }');
  t.equal(await poll(), 'invalid_grant');
  t.same(await grants(), []);
});

t.test('answers invalid_grant if the account added a second factor after the approval', async (t) => {
  const { user, answer, poll, grants, row } = await setUp();
  await answer();
  await db.executor.execute(sql`update users set has_second_factor = true where id = ${user.id}`);
  t.equal(await poll(), 'invalid_grant');
  t.same(await grants(), []);
  t.equal((await row()).usedAt, null);
});
