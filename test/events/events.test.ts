/** The bus as its users see it: through the database, and through Redis where there is one. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createDatabaseEvents } from '../../src/events/database-events.js';
import type { AccountEvent, Events } from '../../src/events/events.js';
import { openEvents } from '../../src/events/open.js';
import { connectRedis } from '../../src/redis/connection.js';
import { systemClock } from '../../src/lib/clock.js';
import { openTestDatabase } from '../helpers/database.js';
import { collect, connection, onRedis, quietLog, REDIS_URL } from '../helpers/events.js';
import type { TestScope } from '../helpers/app.js';

const db = await openTestDatabase(t);
/** AUTH_SECRET of the deployment. */
const SECRETS = ['a test secret of more than thirty-two bytes'];

const event = (userId: string | null = randomUUID()): AccountEvent => ({
  auditId: randomUUID(),
  userId,
  sessionId: null,
});

type Opener = (t: TestScope) => () => Promise<Events>;
const KINDS: Record<string, Opener> = {
  'the database': (t) => async () => opened(t, createDatabaseEvents({ db, log: quietLog })),
};
if (onRedis) {
  KINDS['Redis'] = (t) => {
    const prefix = `latchkey-test:${randomUUID()}:`;
    return async () => {
      const redis = connectRedis(REDIS_URL, 'requests', quietLog);
      t.teardown(() => redis.close());
      return opened(
        t,
        openEvents({ db, redis, url: REDIS_URL, prefix, secrets: SECRETS, clock: systemClock, log: quietLog }),
      );
    };
  };
}

async function opened(t: TestScope, events: Events): Promise<Events> {
  t.teardown(() => events.close());
  await connection(events, true);
  return events;
}
const commit = (events: Events, ...all: AccountEvent[]) =>
  db.transaction(async (tx) => {
    for (const each of all) await events.publish(tx, each);
  });

for (const [kind, opener] of Object.entries(KINDS)) {
  t.test(`through ${kind}, what commits is told to every instance, once and in order`, async (t) => {
    const open = opener(t);
    const [one, other] = [await open(), await open()];
    const arrivals = [collect(one), collect(other)];
    const sent: AccountEvent[] = [];
    for (let index = 0; index < 300; index += 3) {
      const three = [event(), event(null), event()];
      sent.push(...three);
      await commit(one, ...three);
    }
    for (const { until } of arrivals) {
      t.same(await until((arrived) => arrived.length >= sent.length), sent);
    }
  });

  t.test(
    `through ${kind}, a transaction that does not commit tells nobody, and nobody hears before it does`,
    async (t) => {
      const events = await opener(t)();
      const { arrived, until } = collect(events);
      const last = event();
      await t.rejects(
        db.transaction(async (tx) => {
          await events.publish(tx, event());
          throw new Error('no');
        }),
      );
      await db.transaction(async (tx) => {
        await events.publish(tx, last);
        await tx.execute('select 1');
        t.same(arrived, []);
      });
      t.same(await until(({ length }) => length > 0), [last]);
    },
  );

  t.test(`through ${kind}, nobody is told who does not listen any more`, async (t) => {
    const events = await opener(t)();
    const [heard, taken]: AccountEvent[][] = [[], []];
    const listener = (each: AccountEvent): void => void taken!.push(each);
    const off = events.listen(listener);
    events.listen(listener);
    const changes: boolean[] = [];
    const offChanges = events.onConnection((connected) => void changes.push(connected));
    off();
    const { until } = collect(events);
    events.listen((each) => void heard!.push(each));
    await commit(events, event());
    await until(({ length }) => length > 0);
    t.equal(taken!.length, 1, 'the same function listened twice, and once is left');
    t.equal(heard!.length, 1);
    offChanges();
    await events.close();
    t.equal(events.connected(), false);
    t.ok(!changes.includes(false) || kind === 'Redis');
  });
}

t.test(
  'runs after-commit work after a commit, immediately outside a transaction, never after a rollback',
  async (t) => {
    const done: string[] = [];
    await db.transaction(async (tx) => {
      db.afterCommit(tx, () => done.push('committed'));
      t.same(done, []);
    });
    await t.rejects(
      db.transaction(async (tx) => {
        db.afterCommit(tx, () => done.push('rolled back'));
        throw new Error('no');
      }),
    );
    db.afterCommit(db.executor, () => done.push('outside'));
    t.same(done, ['committed', 'outside']);
  },
);
