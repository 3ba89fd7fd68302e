/** Grants of OAuth clients: sessions whose tokens belong to a client. */
import { v7 as uuidv7 } from 'uuid';
import t from 'tap';
import { eq } from 'drizzle-orm';
import { createAudit } from '../../src/audit/audit.js';
import { createScopeCatalogue } from '../../src/authz/scopes.js';
import { createRefreshTokens } from '../../src/crypto/refresh-token.js';
import { sessions as sessionRows } from '../../src/db/schema/index.js';
import { AppError } from '../../src/lib/errors.js';
import type { GrantParams } from '../../src/sessions/params.js';
import { createGrantRepository } from '../../src/sessions/grant-repository.js';
import { createSessions, type IssuedSession } from '../../src/sessions/service.js';
import { isChallenged } from '../../src/sessions/sign-in.js';
import { createAccountRepository } from '../../src/users/repository.js';
import { startTestApp } from '../helpers/app.js';
import { noEvents } from '../helpers/events.js';

const GRACE_MS = 10_000;
const DAY_MS = 86_400_000;
const app = await startTestApp(t);
const { db, clock, config } = app;
const sessions = createSessions({
  db,
  clock,
  audit: createAudit({ db, clock, events: noEvents, retentionMs: 1 }),
  refreshTokens: createRefreshTokens(config.authSecrets),
  grantTokens: createRefreshTokens(config.authSecrets, 'oauth-refresh-token'),
  scopes: createScopeCatalogue(),
  secondFactorGate: async () => undefined,
  secondFactorPolicy: { mustEnroll: () => false },
  onEnded: async () => undefined,
  lifetimes: {
    ttlMs: DAY_MS,
    rememberMeTtlMs: DAY_MS,
    graceMs: GRACE_MS,
    maxPerAccount: 2,
    grants: { ttlMs: 30 * DAY_MS, maxTtlMs: 40 * DAY_MS },
  },
});
const HERE = { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: null };
const SCOPES = ['openid', 'read:content', 'read:profile', 'admin'];

async function openGrant(userId: string, changes: Partial<GrantParams> = {}): Promise<IssuedSession> {
  const { account } = (await createAccountRepository(db.executor).findById(userId))!;
  const grant: GrantParams = {
    id: uuidv7(),
    clientId: 'tv',
    scopes: SCOPES,
    resources: [],
    browserSessionId: '01a1fc41-72cb-70ec-8b3d-3273bdd90010',
    authenticatedAt: new Date(clock.now() - 60_000),
    ...changes,
  };
  const opened = await db.transaction((tx) =>
    sessions.open(tx, account, { client: HERE, rememberMe: false, grant }, { by: 'authorization', methods: ['pwd'] }),
  );
  if (isChallenged(opened)) throw new Error('The grant was challenged.');
  return opened;
}

async function setUp(changes?: Partial<GrantParams>) {
  const user = await app.user();
  const opened = await openGrant(user.id, changes);
  const refresh = (token: string, clientId = 'tv', scopes?: readonly string[]) =>
    sessions.refreshGrant(token, { clientId, scopes, client: HERE }).catch((error: unknown) => {
      if (error instanceof AppError) return error.code;
      throw error;
    });
  const row = async () => {
    const [found] = await db.executor.select().from(sessionRows).where(eq(sessionRows.id, opened.session.id));
    return found!;
  };
  return { user, opened, refresh, row };
}

const issued = (result: IssuedSession | string | undefined): IssuedSession => {
  if (typeof result !== 'object') throw new Error(`The refresh was refused: ${String(result)}`);
  return result;
};

t.test('issues the granted scopes that the account has, and those of OpenID Connect', async (t) => {
  const { opened, row } = await setUp();
  t.same(opened.scopes, ['openid', 'read:content', 'read:profile']);
  const { clientId, scopes, authenticatedAt, createdAt, expiresAt } = await row();
  t.match({ clientId, scopes }, { clientId: 'tv', scopes: SCOPES });
  t.equal(createdAt.getTime() - authenticatedAt.getTime(), 60_000, 'keeps the time of the sign-in');
  t.equal(expiresAt.getTime() - createdAt.getTime(), 30 * DAY_MS);
});

t.test('moves the expiry with each refresh, up to the longest lifetime', async (t) => {
  const { opened, refresh, row } = await setUp();
  const { createdAt } = await row();
  clock.advance(5 * DAY_MS);
  const second = issued(await refresh(opened.refreshToken));
  t.equal((await row()).expiresAt.getTime() - createdAt.getTime(), 35 * DAY_MS);
  t.not(second.refreshToken, opened.refreshToken);
  clock.advance(20 * DAY_MS);
  issued(await refresh(second.refreshToken));
  t.equal((await row()).expiresAt.getTime() - createdAt.getTime(), 40 * DAY_MS);
  clock.advance(15 * DAY_MS);
  t.equal((await row()).expiresAt.getTime(), clock.now());
});

t.test('gives a retry within the grace time the same successor, and ends the grant on reuse', async (t) => {
  const { opened, refresh, row } = await setUp();
  const { refreshToken } = issued(await refresh(opened.refreshToken));
  t.equal(issued(await refresh(opened.refreshToken)).refreshToken, refreshToken);
  clock.advance(GRACE_MS);
  t.equal(await refresh(opened.refreshToken), 'INVALID_REFRESH_TOKEN');
  t.ok((await row()).endedAt);
  t.equal(await refresh(refreshToken), 'INVALID_REFRESH_TOKEN');
});

t.test('refuses the token of another client, and changes nothing', async (t) => {
  const { opened, refresh, row } = await setUp();
  const before = await row();
  t.equal(await refresh(opened.refreshToken, 'phone'), 'INVALID_REFRESH_TOKEN');
  t.same(await row(), before);
  issued(await refresh(opened.refreshToken));
  clock.advance(GRACE_MS);
  const rotated = await row();
  t.equal(await refresh(opened.refreshToken, 'phone'), 'INVALID_REFRESH_TOKEN', 'a used one neither');
  t.same(await row(), rotated);
});

t.test('narrows the scopes of one access token, and refuses scopes that were not granted', async (t) => {
  const { opened, refresh, row } = await setUp();
  const before = await row();
  t.equal(await refresh(opened.refreshToken, 'tv', ['read:content', 'write:profile']), undefined);
  t.same(await row(), before);
  const narrowed = issued(await refresh(opened.refreshToken, 'tv', ['read:content']));
  t.same(narrowed.scopes, ['read:content']);
  t.same(issued(await refresh(narrowed.refreshToken)).scopes, ['openid', 'read:content', 'read:profile']);
});

t.test('does not accept a refresh token of the other kind', async (t) => {
  const { user, opened, refresh } = await setUp();
  t.equal(await refresh(user.refreshToken), 'INVALID_REFRESH_TOKEN');
  await t.rejects(sessions.refresh(opened.refreshToken, HERE), { code: 'INVALID_REFRESH_TOKEN' });
  issued(await refresh(opened.refreshToken));
});

t.test('limits the grants of each client, and leaves the sessions of the person alone', async (t) => {
  const { user, opened } = await setUp();
  const own = () => user.client.send('query { me { id } }');
  const second = await openGrant(user.id);
  const third = await openGrant(user.id);
  const other = await openGrant(user.id, { clientId: 'phone' });
  await sessions.enforceLimit(user.id, HERE, 'tv');
  await sessions.enforceLimit(user.id, HERE);
  const ended = await db.executor.select().from(sessionRows).where(eq(sessionRows.userId, user.id));
  const isLive = new Map(ended.map(({ id, endedAt }) => [id, endedAt === null]));
  t.equal(isLive.get(opened.session.id), false, 'the oldest ends');
  for (const { session } of [second, third, other]) t.equal(isLive.get(session.id), true);
  t.ok((await own()).data, 'the session of the person');
});

t.test('narrowing the grants of a client invalidates its access tokens, and a refresh gives the rest', async (t) => {
  const { opened, refresh, row } = await setUp({ clientId: 'narrowed' });
  const repository = createGrantRepository(db.executor);
  const allowed = ['openid', 'read:content'];
  t.match(await repository.narrow('narrowed', allowed), [{ id: opened.session.id }]);
  t.match(await row(), { accessEpoch: 1 });
  t.same(await repository.narrow('narrowed', allowed), [], 'once');
  t.same(issued(await refresh(opened.refreshToken, 'narrowed')).scopes, allowed);
});

t.test('ends the grants of a client by account, by id or all', async (t) => {
  const [one, two] = [await setUp({ clientId: 'ended' }), await setUp({ clientId: 'ended' })];
  const repository = createGrantRepository(db.executor);
  const now = new Date(clock.now());
  const filter = { clientId: 'ended', userId: one.user.id };
  t.same(await repository.end(now, { clientId: 'other', id: one.opened.session.id }), []);
  t.match(await repository.end(now, filter), [{ id: one.opened.session.id, userId: one.user.id }]);
  t.same(await repository.end(now, filter), []);
  t.equal((await two.row()).endedAt, null);
  t.equal((await repository.end(now, { clientId: 'ended' })).length, 1);
});
