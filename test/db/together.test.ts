/** Statements that go to the database as one. */
import { eq, sql } from 'drizzle-orm';
import t from 'tap';
import { passwordAttempts, rateLimits } from '../../src/db/schema/index.js';
import { given, givenRow, statement } from '../../src/db/statement.js';
import { openPostgres } from '../../src/db/postgres.js';
import type { Executor } from '../../src/db/database.js';
import { mayHaveCommitted, neverSent } from '../../src/db/errors.js';
import { AppError, serviceUnavailable } from '../../src/lib/errors.js';
import { createTestDatabase, onRealPostgres, openTestDatabase } from '../helpers/database.js';
import { faultProxy } from '../helpers/fault-proxy.js';

const db = await openTestDatabase(t);
const moment = new Date('2026-03-04T05:06:07.089Z');
const row = (key: string, resetsAt = moment) => ({ key, count: 1, resetsAt });
/** A column whose values cannot be read. */
const failing = Object.create(rateLimits.key, {
  mapFromDriverValue: {
    value() {
      throw new Error('unreadable');
    },
  },
}) as typeof rateLimits.key;

const add = statement(undefined, (executor) => executor.insert(rateLimits).values(givenRow(rateLimits)));
const addAttempts = statement(undefined, (executor) =>
  executor.insert(passwordAttempts).values(givenRow(passwordAttempts)),
);
const shape = { key: rateLimits.key, count: rateLimits.count, resetsAt: rateLimits.resetsAt };
const bumping = (executor: Executor) =>
  executor
    .update(rateLimits)
    .set({ count: sql`${rateLimits.count} + 1` })
    .where(eq(rateLimits.key, given(rateLimits.key, 'key')))
    .returning(shape);
const bump = statement(shape, bumping);
/** A `select` that is there for what it does. */
const lock = statement(undefined, (executor) =>
  executor.select({ done: sql`pg_advisory_lock(${sql.placeholder('id')}::int)` }).from(sql`(select 1) as one`),
);
const locks = sql`select count(*)::int as n from pg_locks where locktype = 'advisory' and objid = 4711`;

const keys = async () => {
  const rows = await db.executor.select({ key: rateLimits.key, count: rateLimits.count }).from(rateLimits);
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]));
};
t.beforeEach(async () => {
  await db.executor.delete(rateLimits);
  await db.executor.delete(passwordAttempts);
});

t.test('they change what they name, and the one that reads gets its rows with their types', async (t) => {
  await add(db.executor, row('there'));
  const read = await db.together(async (tx) => {
    const [read] = await Promise.all([
      bump(tx, { key: 'there' }),
      add(tx, row('first')),
      add(tx, row('second')),
      addAttempts(tx, { key: 'first', failures: 3, blockedUntil: moment, expiresAt: moment }),
    ]);
    return read;
  });
  t.same(read, [{ key: 'there', count: 2, resetsAt: moment }]);
  t.same(await keys(), { there: 2, first: 1, second: 1 });
  t.match(await db.executor.select().from(passwordAttempts), [{ key: 'first', failures: 3, blockedUntil: moment }]);
});

t.test('a select among them takes effect', async (t) => {
  const before = JSON.stringify(await db.executor.execute(locks));
  await db.together((tx) => Promise.all([add(tx, row('locked')), lock(tx, { id: 4711 })]));
  t.not(JSON.stringify(await db.executor.execute(locks)), before);
});

t.test('where the one that reads finds nothing, nothing is changed and nothing is told', async (t) => {
  let told = false;
  const [read, added] = await db.together((tx) => {
    db.afterCommit(tx, () => (told = true));
    return Promise.allSettled([bump(tx, { key: 'missing' }), add(tx, row('left behind'))]);
  });
  t.match(read, { status: 'fulfilled', value: [] });
  t.match(added, { status: 'rejected' });
  t.same(await keys(), {});
  t.equal(told, false);
});

t.test('who reads is told apart, also between statements of one text', async (t) => {
  const blind = statement(undefined, bumping);
  await db.together((tx) => Promise.all([blind(tx, { key: 'missing' }), add(tx, row('added'))]));
  t.same(await keys(), { added: 1 });
  const [read] = await db.together((tx) => Promise.allSettled([bump(tx, { key: 'missing' }), add(tx, row('not'))]));
  t.match(read, { status: 'fulfilled', value: [] });
  t.same(await keys(), { added: 1 });
});

t.test('one that fails takes the others with it, and all are told why', async (t) => {
  await add(db.executor, row('there'));
  let told = false;
  const outcomes = await db
    .together(async (tx) => {
      db.afterCommit(tx, () => (told = true));
      const outcomes = await Promise.allSettled([bump(tx, { key: 'there' }), add(tx, row('there'))]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason as Error;
    })
    .catch((error: unknown) => JSON.stringify((error as { cause?: object }).cause ?? error));
  t.match(outcomes, /rate_limits_pkey/);
  t.same(await keys(), { there: 1 });
  t.equal(told, false);
});

t.test('what is refused before they leave is not sent', async (t) => {
  await t.rejects(
    db.together((tx) => {
      void add(tx, row('too early'));
      return Promise.reject(new Error('refused'));
    }),
    /refused/,
  );
  t.same(await keys(), {});
});

t.test('work that waits for the commit is called after it, whatever becomes of the rest', async (t) => {
  let told = 0;
  await db.together(async (tx) => {
    db.afterCommit(tx, () => (told += 1));
    await add(tx, row('kept'));
    t.equal(told, 1);
    db.afterCommit(tx, () => (told += 1));
    t.equal(told, 2, 'it is over');
  });
  await t.rejects(
    db.together(async (tx) => {
      db.afterCommit(tx, () => (told += 1));
      await add(tx, row('kept as well'));
      throw new Error('afterwards');
    }),
    /afterwards/,
  );
  t.equal(told, 3);
  t.same(await keys(), { kept: 1, 'kept as well': 1 });
});

t.test('a fault in one of them sends none, whatever the work makes of it', async (t) => {
  let told = false;
  for (const faulty of [{ key: 'no count' }, row('a moment that is none', new Date(Number.NaN))]) {
    await t.rejects(
      db.together((tx) => {
        db.afterCommit(tx, () => (told = true));
        return Promise.allSettled([add(tx, row('fine')), add(tx, faulty), bump(tx, { key: 'fine' })]);
      }),
    );
  }
  t.same(await keys(), {});
  t.equal(told, false);
});

t.test('a reader that fails on what it reads is told of that; the rest is done', async (t) => {
  await add(db.executor, row('there'));
  const broken = statement({ key: failing }, (executor) =>
    executor
      .update(rateLimits)
      .set({ count: 7 })
      .where(eq(rateLimits.key, given(rateLimits.key, 'key')))
      .returning({ key: failing }),
  );
  let told = false;
  const outcomes = await db.together((tx) => {
    db.afterCommit(tx, () => (told = true));
    return Promise.allSettled([broken(tx, { key: 'there' }), add(tx, row('added'))]);
  });
  t.match(outcomes, [{ status: 'rejected', reason: /unreadable/ }, { status: 'fulfilled' }]);
  t.same(await keys(), { there: 7, added: 1 });
  t.equal(told, true);
});

t.test(
  'nothing slips past: neither what comes late, nor a second reader, nor a statement that is built on the way',
  async (t) => {
    await t.rejects(
      db.together(async (tx) => {
        await add(tx, row('in time'));
        await add(tx, row('late'));
      }),
      /after those/,
    );
    await t.rejects(
      db.together((tx) => Promise.all([bump(tx, { key: 'a' }), bump(tx, { key: 'b' })])),
      /only one/,
    );
    await t.rejects(
      db.together(async (tx) => tx.execute(sql`delete from rate_limits`)),
      /built once/,
    );
    await t.rejects(
      db.together(async (tx) => tx.insert(rateLimits).values(row('unbuilt'))),
      /built once/,
    );
    for (const each of ['query', 'transaction'] as const) {
      await t.rejects(
        db.together((tx) => {
          const added = add(tx, row('beside'));
          t.throws(() => tx[each]);
          return added;
        }),
        /built once/,
      );
    }
    const wrapped = statement(undefined, (executor) => {
      const inner = executor.$with('inner').as(executor.select({ key: rateLimits.key }).from(rateLimits));
      return executor.with(inner).select().from(inner);
    });
    await t.rejects(
      db.together((tx) => wrapped(tx, {})),
      /goes together/,
    );
    t.same(await keys(), { 'in time': 1 });
  },
);

t.test('after a refusal none is taken', async (t) => {
  let afterwards!: () => Promise<unknown>;
  await t.rejects(
    db.together((tx) => {
      afterwards = () => add(tx, row('afterwards'));
      return Promise.reject(new Error('refused'));
    }),
  );
  await t.rejects(afterwards(), /after those/);
  t.same(await keys(), {});
});

t.test('what Postgres refuses for now is not called a commit that may have been', async (t) => {
  await db.executor.execute(
    sql`create function is_full() returns int language plpgsql as 'begin raise ''full'' using errcode = 53100; end'`,
  );
  const full = statement(undefined, (executor) =>
    executor.select({ n: sql`is_full() + ${sql.placeholder('n')}::int` }).from(sql`(select 1) as one`),
  );
  let told = false;
  const failure: unknown = await db
    .together((tx) => {
      db.afterCommit(tx, () => (told = true));
      return Promise.all([add(tx, row('undone')), full(tx, { n: 1 })]);
    })
    .catch((error: unknown) => error);
  t.ok(failure instanceof AppError);
  t.match(failure, { code: 'SERVICE_UNAVAILABLE' });
  t.equal(told, false);
  t.same(await keys(), {});
});

t.test('without any of them it is what the work returns', async (t) => {
  let told = 0;
  const work = (outcome: () => number) =>
    db.together(async (tx) => {
      db.afterCommit(tx, () => (told += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      return outcome();
    });
  t.equal(await work(() => 7), 7);
  t.equal(told, 1);
  const fail = () => {
    throw new Error('nothing done');
  };
  await t.rejects(work(fail), /nothing done/);
  t.equal(told, 1);
});

if (onRealPostgres) {
  t.test('they are one transaction', async (t) => {
    await db.together((tx) => Promise.all([add(tx, row('one')), add(tx, row('two'))]));
    const rows = JSON.stringify(await db.executor.execute(sql`select xmin, key from rate_limits`));
    const ids = [...rows.matchAll(/"xmin":"(\d+)"/g)].map(([, id]) => id);
    t.equal(ids.length, 2);
    t.equal(new Set(ids).size, 1);
  });

  const opened = (url: string, poolSize: number, timeoutMs: number) => {
    const there = openPostgres({ url, poolSize, timeoutMs });
    t.teardown(() => there.close());
    return there;
  };

  t.test('two that wait for each other are both done, one of them at the second attempt', async (t) => {
    await Promise.all([add(db.executor, row('a')), add(db.executor, row('b'))]);
    const bumpThenWait = statement(undefined, (executor) =>
      executor
        .update(rateLimits)
        .set({ count: sql`${rateLimits.count} + 1 + (select 0 from pg_sleep(0.3))` })
        .where(eq(rateLimits.key, given(rateLimits.key, 'key'))),
    );
    let told = 0;
    let attempts = 0;
    const inOrder = (first: string, second: string) =>
      db.together((tx) => {
        attempts += 1;
        db.afterCommit(tx, () => (told += 1));
        return Promise.all([bumpThenWait(tx, { key: first }), bump(tx, { key: second })]);
      });
    // On a busy machine one may be through before the other begins.
    let rounds = 0;
    while (attempts === 2 * rounds && rounds < 10) {
      rounds += 1;
      await Promise.all([inOrder('a', 'b'), inOrder('b', 'a')]);
    }
    t.equal(attempts, 2 * rounds + 1);
    t.equal(told, 2 * rounds);
    t.same(await keys(), { a: 1 + 2 * rounds, b: 1 + 2 * rounds });
  });

  t.test('what had not arrived at the deadline does not arrive after it', async (t) => {
    const url = await createTestDatabase(t);
    const proxy = await faultProxy(t, url, 5432);
    const [direct, there] = [opened(url, 1, 5000), opened(proxy.url, 1, 1000)];
    await there.together((tx) => add(tx, row('first')));
    proxy.stall();
    await t.rejects(
      there.together((tx) => add(tx, row('second'))),
      { code: 'SERVICE_UNAVAILABLE' },
    );
    // Each is longer by far than it takes from here to the proxy, and to the database.
    const aWhile = () => new Promise((resolve) => setTimeout(resolve, 300));
    await aWhile();
    await proxy.pass();
    await aWhile();
    const kept = await direct.executor.select({ key: rateLimits.key }).from(rateLimits);
    t.same(kept, [{ key: 'first' }]);
  });

  t.test('when the answer is lost, what waits for the commit is called once there can be none any more', async (t) => {
    const url = await createTestDatabase(t);
    const proxy = await faultProxy(t, url, 5432);
    const [direct, there] = [opened(url, 1, 5000), opened(proxy.url, 1, 2000)];
    // Prepared, so that its next answer is that of the commit.
    await there.together((tx) => add(tx, row('first')));
    let told = 0;
    let tell!: () => void;
    const isTold = new Promise<void>((resolve) => (tell = resolve));
    const failure: unknown = await there
      .together((tx) => {
        there.afterCommit(tx, () => {
          told += 1;
          tell();
        });
        proxy.loseAnswer();
        return add(tx, row('second'));
      })
      .catch((error: unknown) => error);
    t.ok(failure instanceof AppError);
    t.match(failure, { code: 'SERVICE_UNAVAILABLE' });
    t.equal(told, 0, 'it might be going on');
    await isTold;
    const kept = await direct.executor.select({ key: rateLimits.key }).from(rateLimits).orderBy(rateLimits.key);
    t.same(kept, [{ key: 'first' }, { key: 'second' }]);
    t.equal(told, 1);
  });
}

t.test('only what may have been sent may have committed', async (t) => {
  const lost = Object.assign(new Error('lost'), { code: 'ECONNRESET' });
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const answered = Object.assign(new Error('full'), { code: '53100', severity: 'ERROR' });
  const busy = serviceUnavailable('busy');
  const wrapped = (cause: Error) => new Error('Failed query', { cause });
  t.equal(mayHaveCommitted(wrapped(lost)), true);
  t.equal(mayHaveCommitted(wrapped(busy)), true);
  t.equal(mayHaveCommitted(wrapped(neverSent(busy))), false);
  t.equal(mayHaveCommitted(wrapped(refused)), false);
  t.equal(mayHaveCommitted(wrapped(answered)), false);
  t.equal(
    mayHaveCommitted(wrapped(Object.assign(new Error('lost behind'), { code: '08P01', severity: 'FATAL' }))),
    true,
  );
  t.equal(mayHaveCommitted(new Error('a fault of ours')), false);
});
