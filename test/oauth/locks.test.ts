/** Changes that meet an exchange at its most delicate moment: the code is consumed, and the grant is not committed yet. */
import postgres from 'postgres';
import t from 'tap';
import { and, eq, isNull } from 'drizzle-orm';
import { openPostgres } from '../../src/db/postgres.js';
import { sessions } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { until } from '../helpers/instances.js';
import { DEVICE_CODE } from '../helpers/device-codes.js';
import { seedClient, type SeededClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, withSecret } from '../helpers/oauth-requests.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf } from '../helpers/oauth-browser.js';
import { registerAdmin, type SeededUser } from '../helpers/seed.js';

/** The key of the advisory lock at which the insertion of a grant waits. */
const LOCK = 1;

if (onRealPostgres) {
  const url = await createTestDatabase(t);
  const db = openPostgres({ url, poolSize: 10, timeoutMs: 10_000 });
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  t.teardown(() => Promise.all([sql.end({ timeout: 1 }), db.close()]));
  const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' }, db);
  const admin = await registerAdmin(app);
  await sql.unsafe(`
    create function wait_for_test() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock_shared(${LOCK}); return null; end';
    create trigger wait_for_test after insert on sessions
      for each row when (new.client_id is not null) execute function wait_for_test()`);
  const waiting = async (isAdvisory: boolean) =>
    (
      await sql`select 1 from pg_stat_activity where datname = current_database() and application_name = 'latchkey'
        and wait_event_type = 'Lock' and (wait_event = 'advisory') = ${isAdvisory}`
    ).length > 0;

  /** Holds the grant before its commit, until the change waits for it; then lets both go on. */
  async function meet<A, B>(open: () => Promise<A>, change: () => Promise<B>): Promise<[A, B]> {
    const both = await sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(${LOCK})`;
      const opened = open();
      await until(() => waiting(true));
      const changed = change();
      await until(() => waiting(false));
      return [opened, changed] as const;
    });
    return Promise.all(both as [Promise<A>, Promise<B>]);
  }

  interface Scene {
    readonly user: SeededUser;
    readonly seeded: SeededClient;
  }
  const byAdmin = async (document: string, id: string) =>
    (await admin.client.send(`mutation ($id: ID!) { ${document} }`, { id })).code;
  const CHANGES: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
    'the client is disabled': ({ seeded }) =>
      byAdmin('updateOAuthClient(id: $id, input: { disabled: true }) { id }', seeded.client.id),
    'the client is deleted': ({ seeded }) => byAdmin('deleteOAuthClient(id: $id)', seeded.client.id),
    'the account is disabled': ({ user }) => byAdmin('updateUser(id: $id, input: { disabled: true }) { id }', user.id),
    'the account is deleted': ({ user }) => byAdmin('deleteUser(id: $id)', user.id),
    'an administrator ends the sessions': ({ user }) => byAdmin('revokeUserSessions(userId: $id)', user.id),
    'the person ends the other sessions': async ({ user }) =>
      (await user.client.send('mutation { revokeOtherSessions }')).code,
    'the person changes the password': async ({ user }) => {
      const input = `{ currentPassword: "${user.password}", newPassword: "an entirely other phrase" }`;
      return (await user.client.send(`mutation { changePassword(input: ${input}) { scope } }`)).code;
    },
    'the person revokes the client': async ({ user, seeded: { client } }) =>
      (await user.client.send('mutation ($id: ID!) { revokeAuthorizedApp(clientId: $id) }', { id: client.id })).code,
  };

  async function setUp() {
    const user = await app.user();
    const seeded = await seedClient(app, { grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'DEVICE_CODE'] });
    const browser = oauthBrowser(app.server);
    const live = and(eq(sessions.userId, user.id), eq(sessions.clientId, seeded.client.id), isNull(sessions.endedAt));
    return { user, seeded, browser, liveGrants: () => db.executor.$count(sessions, live) };
  }

  for (const [what, change] of Object.entries(CHANGES)) {
    t.test(`${what} during the exchange of a code`, async (t) => {
      const scene = await setUp();
      const { user, seeded, browser, liveGrants } = scene;
      await browser.open(authorizeUrl(seeded));
      await browser.submit(credentialsOf(user));
      const code = responseOf(await browser.submit({ decision: 'allow' }))['code']!;
      const exchange = () => postForm(app, '/oauth/token', exchangeForm(seeded, code));
      const [answer, error] = await meet(exchange, () => change(scene));
      t.same([answer.status, error], [200, undefined]);
      t.equal(await liveGrants(), 0, 'the grant ends with the change');
    });

    t.test(`${what} during the poll of a device`, async (t) => {
      const scene = await setUp();
      const { user, seeded, browser, liveGrants } = scene;
      const { body } = await postForm(app, '/oauth/device_authorization', withSecret(seeded));
      await browser.open('/device');
      await browser.submit({ user_code: body['user_code'] as string });
      await browser.submit(credentialsOf(user));
      await browser.submit({ decision: 'allow' });
      const form = { grant_type: DEVICE_CODE, device_code: body['device_code'] as string, ...withSecret(seeded) };
      const [answer, error] = await meet(
        () => postForm(app, '/oauth/token', form),
        () => change(scene),
      );
      t.same([answer.status, error], [200, undefined]);
      t.equal(await liveGrants(), 0, 'the grant ends with the change');
    });
  }
} else {
  t.test('the embedded database runs one transaction at a time', async (t) => t.equal(onRealPostgres, false));
}
