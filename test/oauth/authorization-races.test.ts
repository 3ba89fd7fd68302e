/** Authorization requests whose client or account changes between the first read and the code. */
import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import t from 'tap';
import { createAudit } from '../../src/audit/audit.js';
import { createScopeCatalogue } from '../../src/authz/scopes.js';
import { oauthClients, oauthCodes } from '../../src/db/schema/index.js';
import { createPendingRequests } from '../../src/oauth/authorization/pending.js';
import { createAuthorization } from '../../src/oauth/authorization/service.js';
import type { OAuthClient } from '../../src/oauth/clients/client.js';
import { createAuthorizationCodes } from '../../src/oauth/codes/service.js';
import { createSessionRepository } from '../../src/sessions/repository.js';
import { startTestApp } from '../helpers/app.js';
import { noEvents } from '../helpers/events.js';
import { seedClient } from '../helpers/oauth.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf } from '../helpers/oauth-browser.js';
import { oauthCounts } from '../helpers/oauth-counts.js';
import { setAccount, type SeededUser } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';

const app = await startTestApp(t);
const { db, clock } = app;
const SCOPE = 'read:content admin';

/** The answer of the service that has read this client and this session before. */
async function begin(client: OAuthClient, session: NonNullable<Awaited<ReturnType<typeof sessionOf>>>) {
  const { begin } = createAuthorization({
    db,
    clock,
    audit: createAudit({ db, clock, events: noEvents, retentionMs: 86_400_000 }),
    scopes: createScopeCatalogue(),
    issuer: 'http://auth.test',
    policy: { mustEnroll: () => false },
    codes: createAuthorizationCodes({ clock }),
    pending: createPendingRequests({ clock }),
    readIdTokenHint: async () => undefined,
    findClient: async () => client,
  });
  const search = authorizeUrl({ client }, { scope: SCOPE }).split('?')[1]!;
  const step = await begin(search, 'b'.repeat(43), session);
  return step.kind === 'redirect' ? Object.fromEntries(new URL(step.url).searchParams) : {};
}
const sessionOf = (user: SeededUser) =>
  createSessionRepository(db.executor).find(String(claimsOf(user.accessToken)['sid']));
const seed = () => seedClient(app, { id: randomUUID(), firstParty: true, scopes: SCOPE.split(' ') });
const codesOf = (id: string) => db.executor.select().from(oauthCodes).where(eq(oauthCodes.clientId, id));

t.test('issues no code with scopes that the client has lost', async (t) => {
  const [{ client }, user] = [await seed(), await app.user()];
  await setAccount(db, user.id, 'role');
  const session = await sessionOf(user);
  const narrow = (scopes: string[]) =>
    db.executor.update(oauthClients).set({ scopes }).where(eq(oauthClients.id, client.id));
  await narrow(['read:content']);
  t.match(await begin(client, session!), { code: /./ });
  t.match(await codesOf(client.id), [{ scopes: ['read:content'] }]);
  await narrow([]);
  t.match(await begin(client, session!), { error: 'invalid_scope', state: 'a state' });
  t.equal((await codesOf(client.id)).length, 1);
});

t.test('issues no code with scopes that the account has got since', async (t) => {
  const [{ client }, user] = [await seed(), await app.user()];
  const session = await sessionOf(user);
  await setAccount(db, user.id, 'role');
  t.match(await begin(client, session!), { code: /./ });
  t.match(await codesOf(client.id), [{ scopes: ['read:content'] }]);
});

t.test('refuses the consent that was shown before a promotion', async (t) => {
  const [{ client }, user] = [await seed(), await app.user()];
  await db.executor.update(oauthClients).set({ firstParty: false }).where(eq(oauthClients.id, client.id));
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl({ client }, { scope: SCOPE }));
  const shown = await browser.submit(credentialsOf(user));
  t.notMatch(shown.body, 'Administer');
  await setAccount(db, user.id, 'role');
  const before = await oauthCounts(app);
  t.match(await browser.submit({ decision: 'allow' }), { status: 403, left: undefined });
  t.same(await oauthCounts(app), before);
  t.match((await browser.open(authorizeUrl({ client }, { scope: SCOPE }))).body, 'Administer');
  t.match(responseOf(await browser.submit({ decision: 'allow' })), { code: /./ });
});
