/** Rotation of refresh tokens against a model, in any order and in parallel. */
import { createEmailCodes } from '../../src/email-codes/service.js';
import { createChallenges } from '../../src/mfa/challenges/service.js';
import fc from 'fast-check';
import t from 'tap';
import { createAudit } from '../../src/audit/audit.js';
import { createScopeCatalogue } from '../../src/authz/scopes.js';
import type { ClientInfo } from '../../src/lib/client-info.js';
import { createRefreshTokens } from '../../src/crypto/refresh-token.js';
import { AppError } from '../../src/lib/errors.js';
import { createSessionListing } from '../../src/sessions/listing-repository.js';
import { createRevocation } from '../../src/sessions/revocation.js';
import { createSessions } from '../../src/sessions/service.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { claimsOf } from '../helpers/tokens.js';
import { onRealPostgres } from '../helpers/database.js';
import { noEvents } from '../helpers/events.js';

const GRACE_MS = 10_000;
const TTL_MS = 86_400_000;
const app = await startTestApp(t, { REFRESH_GRACE: `${GRACE_MS}ms` });
const { db, clock, config } = app;
const audit = createAudit({ db, clock, events: noEvents, retentionMs: 1 });
const refreshTokens = createRefreshTokens(config.authSecrets);
const grantTokens = createRefreshTokens(config.authSecrets, 'oauth-refresh-token');
const revocation = createRevocation({
  voidApiKeys: async () => 0,
  onEnded: async () => undefined,
  db,
  clock,
  audit,
  challenges: createChallenges({ clock }),
  codes: createEmailCodes({ clock, secrets: ['x'] }),
});
const sessions = createSessions({
  db,
  clock,
  audit,
  refreshTokens,
  grantTokens,
  scopes: createScopeCatalogue(),
  secondFactorGate: async () => undefined,
  secondFactorPolicy: { mustEnroll: () => false },
  onEnded: async () => undefined,
  lifetimes: {
    ttlMs: TTL_MS,
    rememberMeTtlMs: TTL_MS,
    graceMs: GRACE_MS,
    maxPerAccount: 100,
    grants: { ttlMs: TTL_MS, maxTtlMs: TTL_MS },
  },
});
const listing = createSessionListing(db.executor, clock);
const listed = async (userId: string) => (await listing.first([userId], 100)).get(userId)!;
const HERE = { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: null };
const THERE = { ipAddress: '192.0.2.2', network: '192.0.2.2', userAgent: null };

/** The expected state of a session: its newest token, and whether it is live. */
interface Model {
  /** Generation of the newest token. */
  newest: number;
  rotatedAt: number;
  readonly endsAt: number;
  ended: boolean;
}

async function setUp() {
  const user = await app.user();
  const sessionId = String(claimsOf(user.accessToken)['sid']);
  const now = clock.now();
  const model: Model = { newest: 0, rotatedAt: now, endsAt: now + TTL_MS, ended: false };
  const tokenOf = (generation: number) => refreshTokens.issue(sessionId, generation);
  const refresh = (generation: number, client: ClientInfo = HERE) =>
    sessions.refresh(tokenOf(generation), client).then(
      ({ refreshToken }) => refreshTokens.verify(refreshToken)!.generation,
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  return { user, sessionId, model, refresh };
}

/** The expected result of a refresh; updates the model. */
function expected(model: Model, generation: number, now: number): number | string {
  const refused = 'INVALID_REFRESH_TOKEN';
  if (model.ended || now >= model.endsAt || generation > model.newest) return refused;
  if (generation === model.newest) {
    model.newest += 1;
    model.rotatedAt = now;
    return model.newest;
  }
  const isRetry = generation === model.newest - 1 && now - model.rotatedAt < GRACE_MS;
  if (isRetry) return model.newest;
  model.ended = true;
  return refused;
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      back: fc.integer({ min: -1, max: 3 }),
      moved: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 5_000, 9_999, 10_000, 3_600_000, TTL_MS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('logout' as const) }) },
);

t.test('behaves like the model for any sequence of refresh, retry, reuse, logout and expiry', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const { user, sessionId, model, refresh } = await setUp();
      for (const each of steps) {
        if (each.kind === 'wait') clock.advance(each.ms);
        else if (each.kind === 'logout') {
          await revocation.logout({ userId: user.id, sessionId, client: HERE });
          model.ended = true;
        } else {
          const generation = Math.max(0, model.newest - each.back);
          const wanted = expected(model, generation, clock.now());
          const got = await refresh(generation, each.moved ? THERE : HERE);
          if (got !== wanted) throw new Error(`${JSON.stringify(each)}: wanted ${wanted}, got ${got}`);
        }
        const live = (await listed(user.id)).some(({ id }) => id === sessionId);
        if (live !== (!model.ended && clock.now() < model.endsAt))
          throw new Error('the session is live, or not, against the model');
      }
    }),
    { numRuns: 60 },
  );
  t.pass('60 sequences');
});

t.test('issues one successor to parallel refreshes, and ends the session only for reuse', async (t) => {
  const parallel = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 3 }), parallel, async (before, backs) => {
      const { user, sessionId, refresh } = await setUp();
      for (let generation = 0; generation < before; generation += 1) await refresh(generation);
      const answers = await Promise.all(backs.map((back) => refresh(Math.max(0, before - back))));
      const issued = answers.filter((answer) => typeof answer === 'number');
      // Only refreshes with the newest token advance the generation, and together by one.
      for (const generation of issued) if (generation > before + 1) throw new Error(`skipped to ${generation}`);
      const live = (await listed(user.id)).some(({ id }) => id === sessionId);
      const reused = (await auditOf(db, user.id)).filter(({ type }) => type === 'session.reuse_detected').length;
      if (reused !== (live ? 0 : 1)) throw new Error(`live ${live}, audited ${reused} times`);
      // Reuse: older than the predecessor at the start, or after another of these refreshes.
      const distances = backs.map((back) => Math.min(back, before));
      const isReuse = distances.includes(2) || (distances.includes(1) && distances.includes(0));
      if (!live && !isReuse) throw new Error('ended without reuse');
    }),
    { numRuns: onRealPostgres ? 60 : 20 },
  );
  t.pass('every interleaving held');
});

t.test('gives fifty parallel refreshes with one token the same successor in one rotation', async (t) => {
  const { model, refresh, sessionId, user } = await setUp();
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(model.newest)));
  t.same(new Set(answers), new Set([1]));
  const [session] = await listed(user.id);
  t.match(session, { id: sessionId, generation: 1 });
});

t.test('keeps a session ended after parallel refreshes and a logout', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const { refresh, sessionId, user } = await setUp();
    await Promise.all([refresh(0), revocation.logout({ userId: user.id, sessionId, client: HERE }), refresh(0)]);
    t.same(await listed(user.id), []);
    t.equal(await refresh(1), 'INVALID_REFRESH_TOKEN');
  }
});

t.test('audits a refresh from a new address, and none from the same one', async (t) => {
  const { refresh, user } = await setUp();
  const moves = async () => (await auditOf(db, user.id)).filter(({ type }) => type === 'session.refreshed');
  await refresh(0, THERE);
  t.match(await moves(), [{ ipAddress: '192.0.2.2', detail: /^from / }]);
  await refresh(1, THERE);
  t.equal((await moves()).length, 1);
});

t.test('audits a replay within the grace time from another network', async (t) => {
  const from = (ipAddress: string) => ({ ipAddress, network: ipAddress, userAgent: 'other' });
  const replays = async (id: string) =>
    (await auditOf(db, id)).filter(({ type }) => type === 'session.refresh_replayed');
  const { refresh, user, sessionId } = await setUp();
  await refresh(0, HERE);
  t.equal(await refresh(0, from('192.0.2.200')), 1);
  t.same(await replays(user.id), [], 'the same /24');
  t.equal(await refresh(0, from('192.0.3.1')), 1, 'it gets the successor, like any retry');
  t.match(await replays(user.id), [
    { sessionId, actorId: null, ipAddress: '192.0.3.1', userAgent: 'other', detail: 'rotated from 192.0.2.1' },
  ]);
  t.equal(await refresh(1, from('2001:db8:0:1::1')), 2);
  t.equal(await refresh(1, from('2001:db8:0:1:ffff::2')), 2);
  t.equal((await replays(user.id)).length, 1, 'the same /64');
  t.equal(await refresh(1, from('2001:db8:0:2::1')), 2);
  t.equal((await replays(user.id)).length, 2);
  t.equal(await refresh(1, from('192.0.2.1')), 2);
  t.equal((await replays(user.id)).length, 3, 'IPv4 after IPv6 is another network');
});

t.test('narrows the scopes of an access token on request, and never widens them', async (t) => {
  const user = await app.user();
  const refreshWith = (refreshToken: string, scope: string) =>
    app
      .client()
      .send(
        'mutation ($refreshToken: String, $scope: String) { refresh(refreshToken: $refreshToken, scope: $scope) { accessToken refreshToken scope } }',
        { refreshToken, scope },
      );
  for (const scope of ['admin', 'read:profile admin', 'unknown', '', ' ', 'read:profile  write:profile', '\u0000']) {
    const answer = await refreshWith(user.refreshToken, scope);
    t.match(
      answer.errors[0]?.extensions,
      { code: 'VALIDATION_ERROR', details: [{ field: 'scope' }] },
      JSON.stringify(scope),
    );
  }
  const narrowed = (await refreshWith(user.refreshToken, 'read:profile')).data!['refresh'];
  t.equal(narrowed.scope, 'read:profile', 'the rejected requests did not use the token');
  t.equal(claimsOf(narrowed.accessToken)['scope'], 'read:profile');
  const update = 'mutation { updateMe(input: { displayName: "x" }) { id } }';
  t.equal((await app.client({ token: narrowed.accessToken }).send(update)).code, 'INSUFFICIENT_PERMISSIONS');
  const whole = (await refreshWith(narrowed.refreshToken, 'write:profile read:profile')).data!['refresh'];
  t.equal(whole.scope, 'read:profile write:profile', 'the session keeps all scopes of the account');
});
