/** The way back for a person who has lost all second factors: an administrator removes them. */
import { readFileSync } from 'node:fs';
import { eq, sql } from 'drizzle-orm';
import t from 'tap';
import { auditEvents, recoveryCodes, sessions, totpFactors } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, PASSWORD, registerAdmin } from '../helpers/seed.js';
import { enrollTotp } from '../helpers/totp.js';

const app = await startTestApp(t);
const RESET = 'mutation ($userId: ID!) { resetSecondFactors(userId: $userId) }';
const admin = await registerAdmin(app);
async function enrolledUser() {
  const user = await app.user();
  return { ...user, ...(await enrollTotp(user.client, () => app.clock.now())) };
}
const rowsOf = async (id: string) => [
  ...(await app.db.executor.select().from(totpFactors).where(eq(totpFactors.userId, id))),
  ...(await app.db.executor.select().from(recoveryCodes).where(eq(recoveryCodes.userId, id))),
];

t.test('removes all factors and recovery codes, so that the password alone signs in', async (t) => {
  const user = await enrolledUser();
  t.equal((await admin.client.send(RESET, { userId: user.id })).data?.['resetSecondFactors'], true);
  t.same(await rowsOf(user.id), []);
  const input = { identifier: user.username, password: PASSWORD };
  t.equal((await app.client().send(LOGIN, { input })).code, undefined);
});

t.test('ends the sessions of the person, who is notified', async (t) => {
  const user = await enrolledUser();
  await admin.client.send(RESET, { userId: user.id });
  const open = (await app.db.executor.select().from(sessions).where(eq(sessions.userId, user.id))).filter(
    ({ endedAt }) => endedAt === null,
  );
  t.same(open, []);
  t.match((await app.mailTo(user.email)).at(-1)!.subject, 'All second factors were removed');
  const events = await app.db.executor.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
  t.match(
    events.filter(({ type }) => type === 'second_factors.reset'),
    [{ actorId: admin.id }],
  );
});

t.test('changes and mails nothing for an account without factors', async (t) => {
  const user = await app.user();
  t.equal((await admin.client.send(RESET, { userId: user.id })).data?.['resetSecondFactors'], false);
  t.equal((await user.client.send('{ me { id } }')).code, undefined);
  t.notOk((await app.mailTo(user.email)).some(({ subject }) => subject.includes('factors')));
});

t.test('refuses everybody but administrators', async (t) => {
  const [user, other] = [await enrolledUser(), await app.user()];
  for (const { client } of [user, other])
    t.equal((await client.send(RESET, { userId: user.id })).code, 'INSUFFICIENT_PERMISSIONS');
  t.equal((await rowsOf(user.id)).length, 11);
});

t.test('refuses unknown and malformed ids', async (t) => {
  for (const userId of ['x', '00000000-0000-7000-8000-000000000000'])
    t.equal((await admin.client.send(RESET, { userId })).code, 'NOT_FOUND');
});

t.test('needs a recent login of the administrator', async (t) => {
  const user = await enrolledUser();
  const stale = await startTestApp(t, {}, app.db, {
    now: () => app.clock.now() + 16 * 60_000,
  });
  const input = { refreshToken: admin.refreshToken };
  const { data } = await stale
    .client()
    .send('mutation ($refreshToken: String) { refresh(refreshToken: $refreshToken) { accessToken } }', input);
  const client = stale.client({ token: data!['refresh'].accessToken as string });
  t.equal((await client.send(RESET, { userId: user.id })).code, 'STEP_UP_REQUIRED');
  t.equal((await rowsOf(user.id)).length, 11);
});

t.test('is replaced by the SQL in the documentation if no administrator is left', async (t) => {
  const user = await enrolledUser();
  const documented = /```sql\n([^]*?)```/.exec(readFileSync('docs/accounts.md', 'utf8'))![1]!;
  const statements = documented.split(';').map((line) => line.trim());
  t.same([statements.shift(), statements.pop(), statements.pop()], ['begin', '', 'commit']);
  await app.db.transaction(async (tx) => {
    for (const statement of statements) await tx.execute(sql.raw(statement.replaceAll('…', user.id)));
  });
  t.equal((await user.client.send('{ me { id } }')).code, 'INVALID_TOKEN');
  const again = await app.client().send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  t.equal(again.code, undefined, 'the password alone signs in');
  t.same(await rowsOf(user.id), []);
});
