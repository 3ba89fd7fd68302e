/** Answers of people to a device. */
import t from 'tap';
import { eq } from 'drizzle-orm';
import { oauthClients, oauthDeviceCodes } from '../../../src/db/schema/index.js';
import { hashSecret } from '../../../src/oauth/secret.js';
import { parseParameters } from '../../../src/rest/form.js';
import { startTestApp } from '../../helpers/app.js';
import { auditOf } from '../../helpers/audit-trail.js';
import { approverOf, HERE, testDeviceCodes } from '../../helpers/device-codes.js';
import { seedClient } from '../../helpers/oauth.js';

const app = await startTestApp(t);
const { db, clock } = app;
const codes = testDeviceCodes(app);

async function setUp(network = HERE.network) {
  const { client } = await seedClient(app, { grantTypes: ['DEVICE_CODE'] });
  const user = await app.user();
  const issued = await codes.issue(client, parseParameters('scope=read:content'));
  const approver = { ...approverOf(app, user), client: { ...HERE, network, ipAddress: network } };
  const answer = (decision: 'approved' | 'denied') =>
    db.transaction((tx) => codes.answer(tx, hashSecret(issued.deviceCode), decision, approver));
  return { client, user, issued, approver, answer };
}

t.test('finds the client and scopes of a user code in any spelling', async (t) => {
  const { client, issued, approver } = await setUp();
  const typed = issued.userCode.toLowerCase().replace('-', ' ');
  t.match(await codes.findWaiting(typed, approver), {
    deviceCodeHash: hashSecret(issued.deviceCode),
    client: { id: client.id, name: client.name },
    scopes: ['read:content'],
  });
});

t.test('accepts one of parallel answers and audits it alone', async (t) => {
  const { user, answer, issued, approver } = await setUp();
  const before = (await auditOf(db, user.id)).length;
  const answers = await Promise.all([answer('approved'), answer('denied'), answer('approved')]);
  t.equal(answers.filter(Boolean).length, 1);
  t.equal((await auditOf(db, user.id)).length, before + 1);
  t.equal(await codes.findWaiting(issued.userCode, approver), undefined);
});

t.test('finds and approves nothing of a disabled client', async (t) => {
  const { client, user, issued, approver, answer } = await setUp();
  await db.executor.update(oauthClients).set({ disabledAt: new Date() }).where(eq(oauthClients.id, client.id));
  t.equal(await codes.findWaiting(issued.userCode, approver), undefined);
  t.equal(await answer('approved'), false);
  const types = (await auditOf(db, user.id)).map(({ type }) => type);
  t.notOk(types.includes('oauth_device.approved'));
});

t.test('limits the attempts of an account, and audits the first rejection', async (t) => {
  const { user, issued, approver } = await setUp('198.51.100.1');
  for (let attempt = 0; attempt < 10; attempt += 1) t.equal(await codes.findWaiting('BBBB-BBBB', approver), undefined);
  await t.rejects(codes.findWaiting(issued.userCode, approver), { code: 'RATE_LIMIT_EXCEEDED' });
  await t.rejects(codes.findWaiting(issued.userCode, approver), { code: 'RATE_LIMIT_EXCEEDED' });
  const throttled = (await auditOf(db, user.id)).filter(({ type }) => type === 'request.throttled');
  t.match(throttled, [{ detail: 'device code' }]);
  t.equal(throttled.length, 1);
});

t.test('limits the attempts of a network across accounts', async (t) => {
  const people = await Promise.all(Array.from({ length: 6 }, () => setUp('198.51.100.2')));
  for (const { approver } of people.slice(0, 5))
    for (let attempt = 0; attempt < 10; attempt += 1) await codes.findWaiting('BBBB-BBBB', approver);
  const { issued, approver } = people[5]!;
  await t.rejects(codes.findWaiting(issued.userCode, approver), { code: 'RATE_LIMIT_EXCEEDED' });
  const elsewhere = { ...approver, client: HERE };
  t.match(await codes.findWaiting(issued.userCode, elsewhere), { scopes: ['read:content'] });
});

t.test('counts attempts before the sign-in by network', async (t) => {
  const client = { ...HERE, network: '198.51.100.3' };
  const { issued } = await setUp();
  t.match(await codes.findWaiting(issued.userCode, { userId: null, client }), { scopes: ['read:content'] });
  for (let attempt = 1; attempt < 50; attempt += 1) await codes.findWaiting('BBBB-BBBB', { userId: null, client });
  await t.rejects(codes.findWaiting(issued.userCode, { userId: null, client }), { code: 'RATE_LIMIT_EXCEEDED' });
});

t.test('deletes codes an hour after they expired', async (t) => {
  await setUp();
  const rows = async () => (await db.executor.select().from(oauthDeviceCodes)).length;
  const before = await rows();
  clock.advance(600_000 + 3_600_000);
  await app.runJob('clean up device codes');
  t.equal(await rows(), before);
  clock.advance(1);
  await app.runJob('clean up device codes');
  t.equal(await rows(), 0);
});
