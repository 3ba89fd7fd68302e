/** More than an instance can do at once: bounded, coded, and over when it is over. */
import postgres from 'postgres';
import t from 'tap';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { ask, probe, register, startInstance, startLoad } from '../helpers/instances.js';
import { LOGIN, ME, PASSWORD } from '../helpers/seed.js';

const database = async (t: { teardown(work: () => unknown): void }): Promise<Record<string, string>> =>
  onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {};

t.test('of 500 logins at once each gets its tokens or is told to come again, and `me` answers meanwhile', async (t) => {
  const server = await startInstance(t, {
    ...(await database(t)),
    // Hashes that take a while; the limits on logins are not what this is about.
    ARGON2_MEMORY_KIB: '19456',
    ARGON2_TIME_COST: '1',
    HASH_CONCURRENCY: '2',
    HASH_QUEUE: '50',
    RATE_LIMIT_LOGIN: '100000/1m',
    RATE_LIMIT_LOGIN_ADDRESS: '100000/1m',
  });
  const account = await register(server);
  const input = { identifier: account.username, password: PASSWORD };
  const codes = new Map<string | undefined, number>();
  let answered = 0;
  const reading = startLoad(t, 1, async () => {
    const { code } = await ask(server, ME, {}, { token: account.accessToken });
    if (code !== undefined) throw new Error(code);
    answered += 1;
  });
  const answers = await Promise.all(Array.from({ length: 500 }, () => ask(server, LOGIN, { input })));
  await t.resolves(reading.stop());
  for (const { code } of answers) codes.set(code, (codes.get(code) ?? 0) + 1);
  const count = (wanted: string | undefined) => codes.get(wanted) ?? 0;
  t.comment(`${count(undefined)} logins, ${count('SERVICE_UNAVAILABLE')} refused, ${answered} times \`me\` meanwhile`);
  t.equal(count(undefined) + count('SERVICE_UNAVAILABLE'), 500);
  t.ok(count(undefined) >= 50, 'as many as may wait, at least');
  t.ok(count('SERVICE_UNAVAILABLE') > 0);
  t.ok(answered > 0);
  t.equal((await ask(server, LOGIN, { input })).code, undefined, 'and then it is as before');
});

if (onRealPostgres) {
  t.test('with every connection busy requests are refused in time, and served again after', async (t) => {
    const { DATABASE_URL } = await database(t);
    const server = await startInstance(t, {
      DATABASE_URL: DATABASE_URL!,
      DATABASE_POOL_SIZE: '1',
      DATABASE_TIMEOUT: '1s',
    });
    const account = await register(server);
    const token = account.accessToken;
    const rename = 'mutation { updateMe(input: { displayName: "x" }) { id } }';
    const client = postgres(DATABASE_URL!, { max: 1 });
    t.teardown(() => client.end());
    const held = await new Promise<() => void>((resolve) => {
      void client.begin(async (tx) => {
        await tx`select 1 from users for update`;
        await new Promise<void>((release) => resolve(release));
      });
    });
    const started = performance.now();
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => ask(server, rename, {}, { token })),
      ...Array.from({ length: 100 }, () => ask(server, ME, {}, { token })),
    ]);
    t.ok(performance.now() - started < 10_000);
    t.match(answers[0], { status: 503, code: 'SERVICE_UNAVAILABLE' });
    t.same(
      answers.filter(({ code }) => code !== undefined && code !== 'SERVICE_UNAVAILABLE'),
      [],
    );
    held();
    await client`select 1`;
    t.equal((await ask(server, rename, {}, { token })).code, undefined);
    t.equal(await probe(server), 200);
  });
}
