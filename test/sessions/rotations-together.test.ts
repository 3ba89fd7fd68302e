/** Refreshes of one moment share a statement, and nothing else. */
import { inArray, sql } from 'drizzle-orm';
import t from 'tap';
import type { Audit } from '../../src/audit/audit.js';
import { sessions } from '../../src/db/schema/index.js';
import { createRotation } from '../../src/sessions/rotation.js';
import type { SeededUser } from '../helpers/seed.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { onRealPostgres } from '../helpers/database.js';
import { sentBy, type SentStatement } from '../helpers/statements.js';
import { claimsOf } from '../helpers/tokens.js';

const app = await startTestApp(t);
const AGENTS = ['plain', 'a "quoted" one', 'back\\slash', '{braces, and a comma}', 'NULL', undefined];
const sessionOf = (user: SeededUser) => String(claimsOf(user.accessToken)['sid']);
const REFRESH = `mutation ($token: String!) { refresh(refreshToken: $token) { accessToken refreshToken user { id } } }`;

async function refresh(token: unknown, userAgent = 'plain', remoteAddress = '127.0.0.1') {
  const response = await app.server.inject({
    method: 'POST',
    url: '/graphql',
    remoteAddress,
    headers: { 'user-agent': userAgent },
    payload: { query: REFRESH, variables: { token } },
  });
  const { data, errors } = response.json<{
    data?: { refresh: { accessToken: string; refreshToken: string; user: { id: string } } } | null;
    errors?: { extensions: { code: string } }[];
  }>();
  return { ...data?.refresh, code: errors?.[0]?.extensions.code };
}

const isRotation = ({ text }: SentStatement) => text.includes('update "sessions"');
const movesOf = async ({ id }: SeededUser) =>
  (await auditOf(app.db, id)).filter(({ type }) => type === 'session.refreshed').length;
const tokens = new Map<SeededUser, string>();

/** A user whose session was opened from another address. */
async function settled(): Promise<SeededUser> {
  const user = await app.user();
  tokens.set(user, (await refresh(user.refreshToken)).refreshToken!);
  return user;
}
const users = [await settled(), await settled(), await settled(), await settled(), await settled(), await settled()];

t.test('runs concurrent rotations in one statement', async (t) => {
  const audit = { record: () => Promise.reject(new Error('nothing to tell')) } as unknown as Audit;
  const rotate = createRotation({ db: app.db, clock: app.clock, audit });
  const ids = [await app.user(), await app.user(), await app.user()].map(sessionOf);
  const client = { ipAddress: '127.0.0.1', network: '127.0.0.1', userAgent: 'plain' };
  await app.db.executor.update(sessions).set({ ipAddress: client.ipAddress }).where(inArray(sessions.id, ids));
  let rotated: Awaited<ReturnType<typeof rotate>>[] = [];
  const sent = await sentBy(app.db, async () => {
    rotated = await Promise.all(ids.map((id) => rotate({ id, generation: 0, client })));
  });
  t.equal(sent.filter(isRotation).length, 1);
  t.same(
    rotated.map((row) => [row?.session.id, row?.session.generation]),
    ids.map((id) => [id, 1]),
  );
});

t.test('returns the own result to each of several batched requests', async (t) => {
  app.clock.advance(1000);
  const asking = () => Promise.all(users.map((user, n) => refresh(tokens.get(user), AGENTS[n] ?? '')));
  let answers: Awaited<ReturnType<typeof asking>> = [];
  const sent = await sentBy(app.db, async () => void (answers = await asking()));
  // As requests they arrive one by one, and the first may have left before the others are there.
  t.ok(sent.filter(isRotation).length < users.length - 1);
  for (const [n, user] of users.entries()) {
    const answer = answers[n]!;
    t.equal(answer.user?.id, user.id);
    t.equal(claimsOf(answer.accessToken!)['sid'], sessionOf(user));
    tokens.set(user, answer.refreshToken!);
    const [session] = (await user.client.send('{ me { sessions { userAgent lastUsedAt } } }')).data?.['me'].sessions;
    t.same(session, { userAgent: AGENTS[n] ?? null, lastUsedAt: new Date(app.clock.now()).toISOString() });
    t.equal(await movesOf(user), 1, 'it did not move again');
  }
});

t.test('rejects only the invalid tokens of a batch', async (t) => {
  const [spent, ended, disabled, moved, ...good] = users as [SeededUser, SeededUser, SeededUser, SeededUser];
  await ended.client.send('mutation { logout }');
  await app.db.executor.execute(sql`update users set disabled_at = now() where id = ${disabled.id}`);
  app.clock.advance(60_000);
  const answers = await Promise.all([
    refresh(spent.refreshToken),
    refresh(tokens.get(ended)),
    refresh(tokens.get(disabled)),
    refresh(tokens.get(moved), 'plain', '192.0.2.77'),
    ...good.map((user: SeededUser) => refresh(tokens.get(user))),
  ]);
  t.same(
    answers.map(({ code }) => code),
    ['INVALID_REFRESH_TOKEN', 'INVALID_REFRESH_TOKEN', 'ACCOUNT_DISABLED', undefined, undefined, undefined],
  );
  t.equal(await movesOf(moved), 2);
  t.equal((await refresh(tokens.get(spent))).code, 'INVALID_REFRESH_TOKEN', 'reuse ended that session');
  good.forEach((user: SeededUser, n) => tokens.set(user, answers[n + 4]!.refreshToken!));
});

t.test('treats a concurrent duplicate as reuse without a grace time', async (t) => {
  const strict = await startTestApp(t, { REFRESH_GRACE: '0s' }, app.db);
  const user = await strict.user();
  const send = () => user.client.send(REFRESH, { token: user.refreshToken });
  const codes = (await Promise.all([send(), send()])).map(({ code }) => code).sort();
  t.same(codes, ['INVALID_REFRESH_TOKEN', undefined]);
  t.ok((await auditOf(app.db, user.id)).some(({ type }) => type === 'session.reuse_detected'));
});

if (onRealPostgres) {
  t.test('lets only the own refresh wait for a locked session', async (t) => {
    const [held, ...free] = [await settled(), await settled(), await settled()];
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    let taken!: () => void;
    const isTaken = new Promise<void>((resolve) => (taken = resolve));
    const holding = app.db.transaction(async (tx) => {
      await tx.execute(sql`select 1 from sessions where id = ${sessionOf(held)} for update`);
      taken();
      await released;
    });
    await isTaken;
    let isAnswered = false;
    const late = refresh(tokens.get(held)).then((answer) => {
      isAnswered = true;
      return answer;
    });
    const answers = await Promise.all(free.map((user) => refresh(tokens.get(user))));
    t.same(
      answers.map(({ user }) => user?.id),
      free.map(({ id }) => id),
    );
    t.notOk(isAnswered, 'it waits');
    release();
    await holding;
    t.equal((await late).user?.id, held.id);
    t.equal(await movesOf(held), 1, 'and did not move again');
  });
}
