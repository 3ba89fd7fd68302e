/** The applications that a person has authorized. */
import { and, eq } from 'drizzle-orm';
import t from 'tap';
import { oauthCodes, oauthConsents } from '../../src/db/schema/index.js';
import { auditOf } from '../helpers/audit-trail.js';
import { startLiveApp } from '../helpers/live.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { grantSigner, seedGrant } from '../helpers/oauth-grants.js';
import { registerAdmin, type SeededUser } from '../helpers/seed.js';

const app = await startLiveApp(t);
const { db } = app;
const sign = await grantSigner(app);
const APPS = '{ me { authorizedApps { clientId name scopes authorizedAt lastUsedAt } } }';
const REVOKE = 'mutation ($clientId: ID!) { revokeAuthorizedApp(clientId: $clientId) }';
const appsOf = async ({ client }: SeededUser) => (await client.send(APPS)).data?.['me'].authorizedApps as unknown[];

async function consent(userId: string, clientId: string, scopes: string[]): Promise<void> {
  const at = new Date(app.clock.now());
  await db.executor.insert(oauthConsents).values({ userId, clientId, scopes, createdAt: at, updatedAt: at });
}

t.test('lists clients with a consent or a live grant, by name', async (t) => {
  const user = await app.user();
  const [b, a, c] = [
    await seedClient(app, { name: 'B' }),
    await seedClient(app, { name: 'A', firstParty: true }),
    await seedClient(app, { name: 'C' }),
  ];
  const at = new Date(app.clock.now()).toISOString();
  await consent(user.id, b.client.id, ['openid', 'read:content']);
  await seedGrant(app, user.id, b.client.id, { scopes: ['read:content'] });
  await seedGrant(app, user.id, a.client.id, { scopes: ['openid'] });
  await seedGrant(app, user.id, a.client.id, { scopes: ['read:history', 'openid'] });
  await seedGrant(app, user.id, c.client.id, { endedAt: new Date(app.clock.now()) });
  t.same(await appsOf(user), [
    { clientId: a.client.id, name: 'A', scopes: ['openid', 'read:history'], authorizedAt: at, lastUsedAt: at },
    { clientId: b.client.id, name: 'B', scopes: ['openid', 'read:content'], authorizedAt: at, lastUsedAt: at },
  ]);
  t.same(await appsOf(await app.user()), [], 'others see nothing of it');
});

t.test('keeps a consent in the list after its grants have ended', async (t) => {
  const user = await app.user();
  const { client } = await seedClient(app);
  await consent(user.id, client.id, ['read:content']);
  t.match(await appsOf(user), [{ clientId: client.id, lastUsedAt: null }]);
});

t.test('names the client in the list of sessions', async (t) => {
  const user = await app.user();
  const { client } = await seedClient(app, { name: 'Bayit+ for TV' });
  await seedGrant(app, user.id, client.id);
  const query = '{ me { sessions { current app { clientId name } } } }';
  const { data } = await user.client.send(query);
  t.same(
    new Set(data?.['me'].sessions),
    new Set([
      { current: true, app: null },
      { current: false, app: { clientId: client.id, name: 'Bayit+ for TV' } },
    ]),
  );
});

t.test('revokes a client: grants, codes and consent, and closes its sockets', async (t) => {
  const user = await app.user();
  const seeded = await seedClient(app);
  const other = await app.user();
  const { id } = seeded.client;
  await consent(user.id, id, ['read:content']);
  await consent(other.id, id, ['read:content']);
  const grant = await seedGrant(app, user.id, id);
  const othersGrant = await seedGrant(app, other.id, id);
  await issueCode(app, user.id, seeded);
  await issueCode(app, other.id, seeded);
  const socket = await app.session(sign(grant));
  const { data } = await user.client.send(REVOKE, { clientId: id });
  t.equal(data?.['revokeAuthorizedApp'], true);
  t.equal((await socket.closed).code, 4401);
  t.equal((await app.client({ token: sign(grant) }).send('{ me { id } }')).code, 'INVALID_TOKEN');
  t.same(await appsOf(user), []);
  const codes = (userId: string) =>
    db.executor.$count(oauthCodes, and(eq(oauthCodes.clientId, id), eq(oauthCodes.userId, userId)));
  t.equal(await codes(user.id), 0);
  t.match((await auditOf(db, user.id))[0], { type: 'app.revoked', actorId: user.id, detail: `${id}: 1 grants` });

  t.equal((await app.client({ token: sign(othersGrant) }).send('{ me { id } }')).code, undefined);
  t.equal(await codes(other.id), 1);
  t.equal((await appsOf(other)).length, 1);
  t.equal((await user.client.send(REVOKE, { clientId: id })).code, 'NOT_FOUND');
  for (const clientId of ['x', '\0', '\ud800', 'x'.repeat(5000)])
    t.equal((await user.client.send(REVOKE, { clientId })).code, 'NOT_FOUND');
});

t.test('refuses the list to grants and to administrators', async (t) => {
  const user = await app.user();
  const { client } = await seedClient(app);
  const token = sign(await seedGrant(app, user.id, client.id));
  t.equal((await app.client({ token }).send(APPS)).code, 'INSUFFICIENT_PERMISSIONS');
  t.equal((await app.client({ token }).send(REVOKE, { clientId: client.id })).code, 'INSUFFICIENT_PERMISSIONS');
  t.equal((await app.client({ token }).send('{ me { id } }')).code, undefined, 'and the grant stays');
  const admin = await registerAdmin(app);
  const query = 'query ($id: ID!) { user(id: $id) { authorizedApps { name } } }';
  t.equal((await admin.client.send(query, { id: user.id })).code, 'INSUFFICIENT_PERMISSIONS');
});
