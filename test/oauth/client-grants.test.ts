/** What changes of a client do to its grants, codes and sockets. */
import { eq } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import t from 'tap';
import {
  oauthCodes,
  oauthDeviceCodes,
  oauthRequests,
  oauthServiceGrants,
  sessions,
} from '../../src/db/schema/index.js';
import { auditOf } from '../helpers/audit-trail.js';
import { startLiveApp } from '../helpers/live.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { grantSigner, seedGrant, seedServiceAccount, seedServiceGrant } from '../helpers/oauth-grants.js';
import { registerAdmin, tokenIn } from '../helpers/seed.js';

const app = await startLiveApp(t);
const { db } = app;
const sign = await grantSigner(app);
const admin = await registerAdmin(app);
const UPDATE = `mutation ($id: ID!, $input: UpdateOAuthClientInput!) { updateOAuthClient(id: $id, input: $input) { id } }`;
const DELETE = 'mutation ($id: ID!) { deleteOAuthClient(id: $id) }';
const ME = '{ me { id } }';
const update = (id: string, input: object) => admin.client.send(UPDATE, { id, input });

/** A client with a grant of a person, a grant of a service account, a code, a device code and a request. */
async function setUp() {
  const seeded = await seedClient(app);
  const { id } = seeded.client;
  const other = await seedClient(app);
  const user = await app.user();
  const grant = await seedGrant(app, user.id, id);
  const unrelated = await seedGrant(app, user.id, other.client.id);
  const serviceAccountId = await seedServiceAccount(app);
  const serviceGrantId = await seedServiceGrant(app, id, serviceAccountId, ['read:profile']);
  await issueCode(app, user.id, seeded);
  const at = new Date(app.clock.now());
  const waiting = { clientId: id, createdAt: at, expiresAt: new Date(app.clock.now() + 60_000) };
  await db.executor.insert(oauthRequests).values({
    ...waiting,
    requestHash: randomUUID(),
    browserHash: 'x',
    kind: 'authorize',
    parameters: {},
  });
  await db.executor.insert(oauthDeviceCodes).values({
    ...waiting,
    deviceCodeHash: randomUUID(),
    userCodeHash: randomUUID(),
    scopes: ['read:profile'],
    status: 'pending',
    intervalSeconds: 5,
  });
  const ask = async (session = grant) => (await app.client({ token: sign(session) }).send(ME)).code;
  const pending = async () => ({
    codes: await db.executor.$count(oauthCodes, eq(oauthCodes.clientId, id)),
    devices: await db.executor.$count(oauthDeviceCodes, eq(oauthDeviceCodes.clientId, id)),
    requests: await db.executor.$count(oauthRequests, eq(oauthRequests.clientId, id)),
  });
  const serviceGrantEnd = async () =>
    (await db.executor.select().from(oauthServiceGrants).where(eq(oauthServiceGrants.id, serviceGrantId)))[0]?.endedAt;
  return { id, user, grant, unrelated, serviceAccountId, ask, pending, serviceGrantEnd };
}

for (const [what, change] of [
  ['disabling', (id: string) => update(id, { disabled: true })],
  ['deleting', (id: string) => admin.client.send(DELETE, { id })],
] as const) {
  t.test(`${what} a client ends its grants at once, closes their sockets, and voids what waits`, async (t) => {
    const { id, user, grant, unrelated, serviceAccountId, ask, pending, serviceGrantEnd } = await setUp();
    t.equal(await ask(), undefined);
    const socket = await app.session(sign(grant));
    const ownSocket = await app.session(user.accessToken);
    const unrelatedSocket = await app.session(sign(unrelated));
    t.equal((await change(id)).code, undefined);
    t.equal(await ask(), 'INVALID_TOKEN');
    t.equal((await socket.closed).code, 4401);
    t.equal(await ask(unrelated), undefined, 'another client keeps its grant');
    t.same(await pending(), { codes: 0, devices: 0, requests: 0 });
    if (what === 'disabling') t.ok(await serviceGrantEnd());
    t.match((await auditOf(db, user.id))[0], {
      type: 'oauth_client.grants_ended',
      actorId: admin.id,
      detail: `1 of ${id}: ${what === 'disabling' ? 'disabled' : 'deleted'}`,
    });
    const ofService = (await auditOf(db, null)).filter((event) => event.serviceAccountId === serviceAccountId);
    t.match(ofService, [{ type: 'oauth_client.grants_ended', actorId: admin.id }]);
    for (const each of [ownSocket, unrelatedSocket]) {
      t.equal(each.ws.readyState, each.ws.OPEN);
      each.ws.terminate();
    }
  });
}

t.test('a client that is enabled again has no grants', async (t) => {
  const { id, ask } = await setUp();
  await update(id, { disabled: true });
  await update(id, { disabled: false });
  t.equal(await ask(), 'INVALID_TOKEN');
});

t.test('removing scopes removes them from the grants, and from what waits', async (t) => {
  const { id, user, grant, ask, pending, serviceGrantEnd } = await setUp();
  const socket = await app.session(sign(grant));
  t.equal((await update(id, { scopes: ['openid', 'read:profile'] })).code, undefined);
  t.equal(await ask(), 'TOKEN_EXPIRED', 'the client gets a narrower token by a refresh');
  t.equal((await socket.closed).code, 4403);
  const [row] = await db.executor.select().from(sessions).where(eq(sessions.id, grant.id));
  t.same({ scopes: row?.scopes, endedAt: row?.endedAt }, { scopes: ['read:profile'], endedAt: null });
  t.equal(await ask(row), undefined);
  t.same(await pending(), { codes: 0, devices: 1, requests: 0 }, 'the device asks for less');
  t.equal(await serviceGrantEnd(), null);
  t.match((await auditOf(db, user.id))[0], { type: 'oauth_client.grants_narrowed', detail: `1 of ${id}` });

  await update(id, { scopes: ['openid'] });
  t.ok(await serviceGrantEnd());
});

t.test('adding scopes and renaming leave the grants alone', async (t) => {
  const { id, ask, pending } = await setUp();
  await update(id, {
    name: 'Other',
    scopes: ['read:history', 'read:content', 'read:profile', 'write:profile', 'admin', 'openid', 'profile', 'email'],
  });
  t.equal(await ask(), undefined);
  t.same(await pending(), { codes: 1, devices: 1, requests: 1 });
});

t.test('a refused update changes no grant', async (t) => {
  const { id, ask, pending } = await setUp();
  t.equal((await update(id, { disabled: true, redirectUris: ['x'] })).code, 'VALIDATION_ERROR');
  t.equal(await ask(), undefined);
  t.same(await pending(), { codes: 1, devices: 1, requests: 1 });
});

t.test('closes sockets of a disabled client on another instance', async (t) => {
  const other = await startLiveApp(t, {}, db, app.clock);
  const { id, grant } = await setUp();
  const socket = await other.session(sign(grant));
  await update(id, { disabled: true });
  t.equal((await socket.closed).code, 4401);
});

for (const [what, end] of [
  [
    'changePassword',
    `mutation { changePassword(input: { currentPassword: "correct horse battery staple", newPassword: "an entirely other passphrase" }) { scope } }`,
  ],
  ['revokeOtherSessions', 'mutation { revokeOtherSessions }'],
  [
    'deleteMe',
    `mutation { deleteMe(input: { confirmation: "DELETE_MY_ACCOUNT", password: "correct horse battery staple" }) }`,
  ],
] as const) {
  t.test(`${what} ends the grants of the account`, async (t) => {
    const { user, grant, ask } = await setUp();
    const socket = await app.session(sign(grant));
    t.equal((await user.client.send(end)).code, undefined);
    t.equal(await ask(), what === 'deleteMe' ? 'USER_NOT_FOUND' : 'INVALID_TOKEN');
    t.equal((await socket.closed).code, 4401);
    const [row] = await db.executor.select().from(sessions).where(eq(sessions.id, grant.id));
    t.ok(row?.endedAt);
  });
}

t.test('resetPassword ends the grants of the account', async (t) => {
  const { user, grant, ask } = await setUp();
  const socket = await app.session(sign(grant));
  await app.client().send(`mutation { requestPasswordReset(email: "${user.email}") }`);
  t.equal(await ask(), undefined, 'the request ends nothing');
  const input = `{ token: "${tokenIn(await app.mailTo(user.email))}", password: "an entirely other phrase" }`;
  t.equal((await app.client().send(`mutation { resetPassword(input: ${input}) { scope } }`)).code, undefined);
  t.equal(await ask(), 'INVALID_TOKEN');
  t.equal((await socket.closed).code, 4401);
});
