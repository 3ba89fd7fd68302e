/** A server process that loses its connections to Postgres while clients exchange codes and refresh tokens. */
import postgres from 'postgres';
import t from 'tap';
import { openPostgres } from '../../src/db/postgres.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { register, startInstance, until } from '../helpers/instances.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { exchangeForm, refreshForm, withSecret } from '../helpers/oauth-requests.js';

const UNAVAILABLE = {
  status: 503,
  body: { error: 'temporarily_unavailable', error_description: 'The service is not available; try again later.' },
};
/** The key of the advisory lock at which the COMMIT of a change to a grant waits. */
const LOCK = 1;

if (onRealPostgres) {
  t.test('a code or refresh token whose COMMIT got no answer', async (t) => {
    const url = await createTestDatabase(t);
    const proxy = await faultProxy(t, url, 5432);
    const server = await startInstance(t, { DATABASE_TIMEOUT: '60s', DATABASE_URL: proxy.url });
    const admin = postgres(url, { max: 2, onnotice: () => undefined });
    const db = openPostgres({ url, poolSize: 2, timeoutMs: 10_000 });
    t.teardown(() => Promise.all([admin.end({ timeout: 1 }), db.close()]));
    const seeding = { db, clock: { now: Date.now, advance: () => undefined } };
    const seeded = await seedClient(seeding);
    const { id: userId } = await register(server);

    const post = async (path: string, form: Record<string, string>) => {
      const response = await fetch(server.url + path, { method: 'POST', body: new URLSearchParams(form) });
      return { status: response.status, body: (await response.json()) as Record<string, string> };
    };
    const token = (form: Record<string, string>) => post('/oauth/token', form);
    const newCode = () => issueCode(seeding, userId, seeded);
    const liveGrants = async () =>
      (await admin`select id from sessions where client_id = ${seeded.client.id} and ended_at is null`).length;
    const serves = () => until(async () => (await token({ ...withSecret(seeded), grant_type: 'x' })).status === 400);
    await admin.unsafe(`
      create function wait_for_test() returns trigger language plpgsql as
        'begin perform pg_advisory_xact_lock_shared(${LOCK}); return null; end';
      create constraint trigger wait_at_commit after insert or update on sessions deferrable initially deferred
        for each row when (new.client_id is not null) execute function wait_for_test()`);

    /** Sends a request, and cuts the connection while Postgres commits. */
    const loseCommit = async (form: Record<string, string>) => {
      let pid = 0;
      const answer = await admin.begin(async (tx) => {
        await tx`select pg_advisory_xact_lock(${LOCK})`;
        const sent = token(form);
        await until(async () => {
          const [row] = await admin`select pid, query from pg_stat_activity where datname = current_database()
            and application_name = 'latchkey' and wait_event_type = 'Lock' and wait_event = 'advisory'`;
          pid = row?.['pid'] as number;
          return row !== undefined && /^commit$/i.test(String(row['query']));
        });
        proxy.cut();
        return sent;
      });
      await until(async () => (await admin`select 1 from pg_stat_activity where pid = ${pid}`).length === 0);
      await serves();
      return answer;
    };

    t.test('refuses the repeated exchange of a spent code, and ends nothing', async (t) => {
      const code = await newCode();
      t.match(await loseCommit(exchangeForm(seeded, code)), UNAVAILABLE);
      t.equal(await liveGrants(), 1, 'Postgres committed');
      t.match(await token(exchangeForm(seeded, code)), { status: 400, body: { error: 'invalid_grant' } });
      t.equal(await liveGrants(), 1);
      t.equal((await token(exchangeForm(seeded, await newCode()))).status, 200, 'the client begins again');
    });

    t.test('gives the repeated refresh its successor', async (t) => {
      const { body } = await token(exchangeForm(seeded, await newCode()));
      const first = refreshForm(seeded, body['refresh_token']!);
      t.match(await loseCommit(first), UNAVAILABLE);
      const repeated = await token(first);
      t.equal(repeated.status, 200);
      t.equal((await token(refreshForm(seeded, repeated.body['refresh_token']!))).status, 200);
    });

    t.test('answers every endpoint as its RFC says while Postgres is away, and goes on afterwards', async (t) => {
      const code = await newCode();
      const { body: tokens } = await token(exchangeForm(seeded, await newCode()));
      await proxy.refuse();
      const form = withSecret(seeded);
      const ofToken = { ...form, token: tokens['access_token']! };
      for (const [name, answer] of Object.entries({
        exchange: token(exchangeForm(seeded, code)),
        refresh: token(refreshForm(seeded, tokens['refresh_token']!)),
        'wrong secret': token({ ...form, client_secret: 'wrong', grant_type: 'refresh_token' }),
        introspection: post('/oauth/introspect', ofToken),
        revocation: post('/oauth/revoke', ofToken),
        'device authorization': post('/oauth/device_authorization', form),
        userinfo: post('/oauth/userinfo', { access_token: tokens['access_token']! }),
      }))
        t.match(await answer, UNAVAILABLE, name);
      const page = await fetch(`${server.url}/oauth/authorize?client_id=${seeded.client.id}`);
      t.match({ status: page.status, type: page.headers.get('content-type') }, { status: 503, type: /^text\/html/ });
      await proxy.pass();
      await serves();
      t.equal((await token(exchangeForm(seeded, code))).status, 200);
      t.equal((await token(refreshForm(seeded, tokens['refresh_token']!))).status, 200);
      t.match(await post('/oauth/introspect', ofToken), { body: { active: true } });
      t.equal(server.child.exitCode, null, 'the same process');
    });
  });
} else {
  t.test('the embedded database has no connections to lose', async (t) => t.equal(onRealPostgres, false));
}
