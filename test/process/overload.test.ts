/** More work than an instance can do: the work is bounded, refusals have a code, and the instance recovers afterwards. */
import postgres from 'postgres';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { ask, probe, register, startInstance, until, type Answer } from '../helpers/instances.js';
import { LOGIN, ME } from '../helpers/seed.js';
import { listen } from '../helpers/server.js';
import { stopThreadPool } from '../helpers/thread-pool.js';

/** How many answers have each code; `undefined` is success. */
function countByCode(answers: readonly Answer[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const { code } of answers) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}

t.test('serves as many logins as may run and wait, refuses the others at once, and keeps serving `me`', async (t) => {
  const [CALLERS, CONCURRENCY, QUEUE] = [100, 2, 10];
  const ADMITTED = CONCURRENCY + QUEUE;
  const app = await startTestApp(t, {
    PASSWORD_HASH_CONCURRENCY: String(CONCURRENCY),
    PASSWORD_HASH_QUEUE_SIZE: String(QUEUE),
    RATE_LIMIT_LOGIN: '100000/1m',
    RATE_LIMIT_LOGIN_ADDRESS: '100000/1m',
    RATE_LIMIT_ANONYMOUS: '100000/1m',
    RATE_LIMIT_FIELDS: 'login=100000/1m',
  });
  const { username, password, accessToken } = await app.user();
  const server = { url: `http://127.0.0.1:${await listen(app.server)}` };
  // Attempts at one account wait for each other. These are for unknown accounts and cost a hash each.
  let attempts = 0;
  const attempt = () => ask(server, LOGIN, { input: { identifier: `nobody-${(attempts += 1)}`, password } });

  const release = stopThreadPool(t, t.testdir());
  const answers: Answer[] = [];
  let noteRefusals!: () => void;
  const refused = new Promise<void>((resolve) => (noteRefusals = resolve));
  const all = Promise.all(
    Array.from({ length: CALLERS }, async () => {
      answers.push(await attempt());
      if (answers.length === CALLERS - ADMITTED) noteRefusals();
    }),
  );
  // No hash can end before the pool is released, so all responses until then are refusals.
  await refused;
  t.strictSame(countByCode(answers), new Map([['SERVICE_UNAVAILABLE', CALLERS - ADMITTED]]));
  t.ok(answers.every(({ status }) => status === 503));
  t.equal((await ask(server, ME, {}, { token: accessToken })).code, undefined);
  t.equal((await attempt()).code, 'SERVICE_UNAVAILABLE', 'the queue is still full');

  await release();
  await all;
  t.strictSame(countByCode(answers.slice(CALLERS - ADMITTED)), new Map([['INVALID_CREDENTIALS', ADMITTED]]));
  t.equal((await ask(server, LOGIN, { input: { identifier: username, password } })).code, undefined, 'serves again');
});

if (onRealPostgres) {
  t.test('refuses requests while every connection is busy, and serves again afterwards', async (t) => {
    const DATABASE_URL = await createTestDatabase(t);
    const server = await startInstance(t, { DATABASE_URL, DATABASE_POOL_SIZE: '1', DATABASE_TIMEOUT: '5s' });
    const { accessToken: token } = await register(server);
    const rename = 'mutation { updateMe(input: { displayName: "x" }) { id } }';
    const client = postgres(DATABASE_URL, { max: 1 });
    t.teardown(() => client.end());
    const release = await new Promise<() => void>((resolve) => {
      void client.begin(async (tx) => {
        await tx`select 1 from users for update`;
        await new Promise<void>((release) => resolve(release));
      });
    });
    // All are answered while the row is still locked.
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => ask(server, rename, {}, { token })),
      ...Array.from({ length: 100 }, () => ask(server, ME, {}, { token })),
    ]);
    t.match(answers.slice(0, 5), Array(5).fill({ status: 503, code: 'SERVICE_UNAVAILABLE' }));
    t.strictSame(
      [...countByCode(answers).keys()].filter((code) => code && code !== 'SERVICE_UNAVAILABLE'),
      [],
    );
    release();
    await until(async () => (await ask(server, rename, {}, { token })).code === undefined);
    await until(async () => (await probe(server)) === 200);
    t.equal(server.child.exitCode, null, 'by the same process');
  });
}
