/** Delivery of subscriptions: to which accounts, in which order, and how much. */
import { createClient, type Client } from 'graphql-ws';
import t from 'tap';
import { WebSocket } from 'ws';
import { createAudit } from '../../../src/audit/audit.js';
import { startLiveApp } from '../../helpers/live.js';
import { LOGIN, LOGOUT, registerAdmin, type SeededUser } from '../../helpers/seed.js';
import { claimsOf } from '../../helpers/tokens.js';

const app = await startLiveApp(t);
const elsewhere = await startLiveApp(t, {}, app.db, app.clock);
const admin = await registerAdmin(app);
const UPDATE = 'mutation ($name: String!) { updateMe(input: { displayName: $name }) { id } }';
const SECURITY = 'subscription { securityEvents { id type userId actorId sessionId ipAddress userAgent detail } }';

/** A client as a frontend has it, which closes with the test. */
function clientOf(t: { teardown(work: () => unknown): void }, accessToken: string): Client {
  const client = createClient({
    url: `ws://127.0.0.1:${app.port}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${accessToken}` },
    retryAttempts: 0,
  });
  t.teardown(() => client.dispose());
  return client;
}

/** Subscribes; the events from then on, one by one. */
async function events(t: { teardown(work: () => unknown): void }, { accessToken }: SeededUser, query: string) {
  const client = clientOf(t, accessToken);
  // `iterate` subscribes, and not the first `next`.
  const stream = await app.untilSubscribed(() => client.iterate<Record<string, Record<string, unknown>>>({ query }));
  return async () => {
    const step = await stream.next();
    const { data, errors } = step.value as { data?: Record<string, Record<string, unknown>>; errors?: unknown[] };
    if (errors) throw new Error(JSON.stringify(errors));
    return Object.values(data!)[0]!;
  };
}

t.test('meUpdated delivers the current account after each change, from any instance, to its owner only', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const next = await events(t, user, 'subscription { meUpdated { username displayName role isPremium disabledAt } }');
  await other.client.send(UPDATE, { name: 'Other' });
  await user.client.send(LOGIN, { input: { identifier: user.username, password: user.password } });
  await user.client.send(UPDATE, { name: 'Ada' });
  await t.rejects(next(), /INSUFFICIENT_PERMISSIONS.*disabledAt|disabledAt.*INSUFFICIENT_PERMISSIONS/);

  const again = await events(t, user, 'subscription { meUpdated { displayName role isPremium } }');
  await elsewhere
    .client({ token: admin.accessToken })
    .send('mutation ($id: ID!) { updateUser(id: $id, input: { isPremium: true }) { id } }', { id: user.id });
  t.same(await again(), { displayName: 'Ada', role: 'USER', isPremium: true });
});

t.test('meUpdated ignores rolled back changes and logins', async (t) => {
  const user = await app.user();
  const next = await events(t, user, 'subscription { meUpdated { displayName } }');
  const rolledBack = app.db.transaction(async (tx) => {
    const audit = createAudit({ db: app.db, clock: app.clock, events: app.events, retentionMs: 1 });
    const client = { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: null };
    await audit.record(tx, { type: 'account.updated', userId: user.id, client });
    throw new Error('rolled back');
  });
  await t.rejects(rolledBack, { message: 'rolled back' });
  await app.client().send(LOGIN, { input: { identifier: user.username, password: user.password } });
  await user.client.send(UPDATE, { name: 'Ada' });
  t.same(await next(), { displayName: 'Ada' }, 'the first that is reported');
});

t.test('securityEvents delivers the events of an account in order and once, to its owner only', async (t) => {
  const [user, other] = [await app.user(), await app.user()];
  const [next, others] = [await events(t, user, SECURITY), await events(t, other, SECURITY)];
  const login = async (password: string) =>
    elsewhere.client({ ip: '203.0.113.7' }).send(LOGIN, { input: { identifier: user.username, password } });
  await login('wrong, wrong and wrong');
  const token = (await login(user.password)).data!['login'].accessToken as string;
  for (let change = 0; change < 20; change += 1) {
    const by = change % 2 === 0 ? app : elsewhere;
    await by.client({ token }).send(UPDATE, { name: `Ada ${change}` });
  }
  await elsewhere.client({ token }).send(LOGOUT);
  t.match(await next(), { type: 'login.failed', userId: user.id, actorId: null, ipAddress: '203.0.113.7' });
  const sessionId = claimsOf(token)['sid'];
  t.match(await next(), { type: 'session.opened', sessionId, actorId: user.id });
  const ids = new Set<unknown>();
  for (let change = 0; change < 20; change += 1) {
    const { id, type } = await next();
    t.equal(type, 'account.updated');
    ids.add(id);
  }
  t.equal(ids.size, 20);
  t.match(await next(), { type: 'session.ended', sessionId });
  await other.client.send(UPDATE, { name: 'Other' });
  t.match(await others(), { type: 'account.updated', userId: other.id }, 'the first that the other is reported');
});

t.test('hides the address of an administrator from the owner, but not from other administrators', async (t) => {
  const user = await app.user();
  const owner = await events(t, user, SECURITY);
  const all = await events(t, admin, 'subscription { auditEvents { id type userId actorId ipAddress userAgent } }');
  await elsewhere
    .client({ token: admin.accessToken, ip: '203.0.113.9', headers: { 'user-agent': 'Desk/1.0' } })
    .send('mutation ($id: ID!) { updateUser(id: $id, input: { isVerified: true }) { id } }', { id: user.id });
  t.match(await owner(), { type: 'account.updated', actorId: admin.id, ipAddress: null, userAgent: null });
  t.match(await all(), { type: 'account.updated', userId: user.id, ipAddress: '203.0.113.9', userAgent: 'Desk/1.0' });
  await app.user({ username: 'newcomer' });
  t.match(await all(), { type: 'account.registered' }, 'of all accounts');
});

t.test('delivers nothing after complete, and keeps the socket open', async (t) => {
  const user = await app.user();
  const client = clientOf(t, user.accessToken);
  await app.quiet();
  const sink = {
    next: () => t.fail('reported'),
    error: (error: unknown) => t.fail(String(error)),
    complete: () => undefined,
  };
  const stop = await app.untilSubscribed(() => client.subscribe({ query: SECURITY }, sink));
  const stream = await app.untilSubscribed(() => client.iterate({ query: SECURITY }));
  stop();
  while ((await app.count('subscriptions_open')) > 1) await new Promise((resolve) => setImmediate(resolve));
  await user.client.send(UPDATE, { name: 'Ada' });
  t.match((await stream.next()).value, { data: { securityEvents: { type: 'account.updated' } } });
});
