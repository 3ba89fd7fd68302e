/** The polls of a device (RFC 8628 sections 3.4 and 3.5). */
import t from 'tap';
import { eq, sql } from 'drizzle-orm';
import { oauthClients, oauthDeviceCodes, sessions } from '../../../src/db/schema/index.js';
import { hashSecret } from '../../../src/oauth/secret.js';
import { startTestApp, type TestApp } from '../../helpers/app.js';
import { auditOf } from '../../helpers/audit-trail.js';
import type { AnyData } from '../../helpers/client.js';
import { approverOf, DEVICE_CODE, testDeviceCodes } from '../../helpers/device-codes.js';
import { seedClient } from '../../helpers/oauth.js';
import { claimsOf, postForm, withSecret } from '../../helpers/oauth-requests.js';
import { setAccount } from '../../helpers/seed.js';

const app = await startTestApp(t);
const { db, clock } = app;
/** A second instance. */
const other = await startTestApp(t, {}, db, clock);
const codes = testDeviceCodes(app);
const SCOPE = 'openid read:content';

async function setUp() {
  const seeded = await seedClient(app, { grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'] });
  const { client } = seeded;
  const user = await app.user();
  const form = { ...withSecret(seeded), scope: SCOPE, resource: 'https://api.example.com' };
  const { body: issued } = await postForm(app, '/oauth/device_authorization', form);
  const deviceCodeHash = hashSecret(issued['device_code'] as string);
  const approver = approverOf(app, user, SCOPE.split(' '));
  const answer = (decision: 'approved' | 'denied' = 'approved') =>
    db.transaction((tx) => codes.answer(tx, deviceCodeHash, decision, approver));
  /** The tokens, or the error code. */
  const poll = async (instance: TestApp = app, by = seeded, code = issued['device_code'] as string) => {
    const request = { grant_type: DEVICE_CODE, device_code: code, ...withSecret(by) };
    const { status, body } = await postForm(instance, '/oauth/token', request);
    return status === 200 ? body : `${status} ${String(body['error'])}`;
  };
  const row = async () => {
    const isIt = eq(oauthDeviceCodes.deviceCodeHash, deviceCodeHash);
    const [found] = await db.executor.select().from(oauthDeviceCodes).where(isIt);
    return found!;
  };
  const grants = () => db.executor.select().from(sessions).where(eq(sessions.clientId, client.id));
  return { seeded, client, user, issued, approver, answer, poll, row, grants };
}

const tokensOf = (answer: AnyData | string): AnyData => {
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
};

t.test('issues codes for ten minutes and stores their hashes only', async (t) => {
  const { issued, row } = await setUp();
  const { user_code: userCode } = issued;
  t.match(issued, {
    user_code: /^[B-Z]{4}-[B-Z]{4}$/,
    verification_uri: 'http://auth.test/device',
    verification_uri_complete: `http://auth.test/device?user_code=${userCode}`,
    expires_in: 600,
    interval: 5,
  });
  t.notMatch(JSON.stringify(await row()), issued['device_code']);
  t.notMatch(JSON.stringify(await row()), userCode.replace('-', ''));
});

t.test('answers authorization_pending until the person has answered', async (t) => {
  const { poll, grants } = await setUp();
  t.equal(await poll(), '400 authorization_pending');
  clock.advance(5000);
  t.equal(await poll(), '400 authorization_pending');
  t.same(await grants(), []);
});

t.test('answers slow_down to an early poll at any instance, and adds five seconds to the interval', async (t) => {
  const { poll, row } = await setUp();
  t.equal(await poll(), '400 authorization_pending');
  clock.advance(4999);
  t.equal(await poll(other), '400 slow_down');
  t.equal((await row()).intervalSeconds, 10);
  clock.advance(9999);
  t.equal(await poll(), '400 slow_down');
  clock.advance(15_000);
  t.equal(await poll(other), '400 authorization_pending');
});

t.test('admits one of parallel polls to the interval', async (t) => {
  const { poll, row } = await setUp();
  const answers = await Promise.all([app, other, app, other].map((instance) => poll(instance)));
  t.same(answers.sort(), ['400 authorization_pending', '400 slow_down', '400 slow_down', '400 slow_down']);
  t.equal((await row()).intervalSeconds, 20);
});

t.test('opens a grant with the approved scopes and the sign-in of the person', async (t) => {
  const { client, user, approver, answer, poll, grants } = await setUp();
  t.equal(await answer(), true);
  const tokens = tokensOf(await poll());
  t.match(tokens, { token_type: 'Bearer', expires_in: 3600, scope: SCOPE, refresh_token: /./ });
  const access = claimsOf(tokens['access_token']);
  t.match(access, { sub: user.id, client_id: client.id, scope: SCOPE, aud: 'https://api.example.com' });
  const authTime = Math.floor(approver.authenticatedAt.getTime() / 1000);
  t.match(claimsOf(tokens['id_token']), { sub: user.id, aud: client.id, auth_time: authTime, amr: ['pwd'] });
  const [grant] = await grants();
  t.match(grant, {
    userId: user.id,
    scopes: SCOPE.split(' '),
    resources: ['https://api.example.com'],
    browserSessionId: approver.browserSessionId,
  });
  const events = await auditOf(db, user.id);
  const ofGrant = events.filter(({ sessionId }) => sessionId === grant!.id).map(({ type }) => type);
  t.same(ofGrant.sort(), ['grant.created', 'session.opened']);
  t.match(
    events.filter(({ type }) => type === 'oauth_device.approved'),
    [{ sessionId: approver.browserSessionId, detail: `client ${client.id}` }],
  );
});

t.test('gives an approved code once, also to parallel polls', async (t) => {
  const { answer, poll, grants } = await setUp();
  await answer();
  const answers = await Promise.all([app, other, app, other, app].map((each) => poll(each)));
  t.equal(answers.filter((each) => typeof each === 'object').length, 1);
  t.same(
    answers.filter((each) => typeof each === 'string' && each !== '400 invalid_grant'),
    [],
  );
  t.equal(await poll(), '400 invalid_grant');
  t.equal((await grants()).length, 1);
});

t.test('answers invalid_grant to unknown codes and to another client, and spends nothing', async (t) => {
  const { answer, poll, row, grants } = await setUp();
  const stranger = await seedClient(app, { grantTypes: ['DEVICE_CODE'] });
  await answer();
  t.equal(await poll(app, stranger), '400 invalid_grant');
  t.equal(await poll(app, stranger, 'unknown'), '400 invalid_grant');
  t.equal(await poll(app, stranger, ''), '400 invalid_request');
  t.match(await row(), { usedAt: null, lastPolledAt: null });
  t.same(await grants(), []);
  t.type(await poll(), 'object');
});

t.test('answers access_denied after a denial', async (t) => {
  const { client, user, answer, poll, grants } = await setUp();
  t.equal(await answer('denied'), true);
  t.equal(await poll(), '400 access_denied');
  t.same(await grants(), []);
  const denials = (await auditOf(db, user.id)).filter(({ type }) => type === 'oauth_device.denied');
  t.match(denials, [{ detail: `client ${client.id}` }]);
});

t.test('answers expired_token after ten minutes, approved or not', async (t) => {
  const [pending, approved] = [await setUp(), await setUp()];
  await approved.answer();
  clock.advance(600_000);
  t.equal(await pending.poll(), '400 expired_token');
  t.equal(await approved.poll(), '400 expired_token');
  t.equal(await pending.answer(), false, 'the person cannot approve it any more');
  t.same(await approved.grants(), []);
});

for (const state of ['disabled', 'deleted'] as const)
  t.test(`answers invalid_grant if the account was ${state} after the approval`, async (t) => {
    const { user, answer, poll, grants } = await setUp();
    await answer();
    await setAccount(db, user.id, state);
    t.equal(await poll(), '400 invalid_grant');
    t.same(await grants(), []);
  });

t.test('answers invalid_client if the client was disabled after the approval', async (t) => {
  const { client, answer, poll, grants } = await setUp();
  await answer();
  await db.executor.update(oauthClients).set({ disabledAt: new Date() }).where(eq(oauthClients.id, client.id));
  t.equal(await poll(), '401 invalid_client');
  t.same(await grants(), []);
});

t.test('answers invalid_grant if the session that approved it has ended', async (t) => {
  const { user, answer, poll, grants } = await setUp();
  await answer();
  await user.client.send('mutation { logout }');
  t.equal(await poll(), '400 invalid_grant');
  t.same(await grants(), []);
});

t.test('answers invalid_grant if the account added a second factor after the approval', async (t) => {
  const { user, answer, poll, grants, row } = await setUp();
  await answer();
  await db.executor.execute(sql`update users set has_second_factor = true where id = ${user.id}`);
  t.equal(await poll(), '400 invalid_grant');
  t.same(await grants(), []);
  t.equal((await row()).usedAt, null);
});

t.test('refuses a code that is approved when its client may no longer use the grant', async (t) => {
  const { client, answer, poll, grants } = await setUp();
  await answer();
  await db.executor.update(oauthClients).set({ grantTypes: [] }).where(eq(oauthClients.id, client.id));
  t.equal(await poll(), '400 unauthorized_client');
  t.same(await grants(), []);
});

t.test('spends nothing for a resource that was not granted', async (t) => {
  const { seeded, issued, answer, poll, grants } = await setUp();
  await answer();
  const request = { grant_type: DEVICE_CODE, device_code: issued['device_code'], ...withSecret(seeded) };
  const refused = await postForm(app, '/oauth/token', { ...request, resource: 'https://other.example.com' });
  t.match(refused, { status: 400, body: { error: 'invalid_target' } });
  t.same(await grants(), []);
  t.type(await poll(), 'object');
});
