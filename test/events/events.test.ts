/** Events between instances, through the database and through Redis. */
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
  t.test(`delivers committed events to every instance once and in order through ${kind}`, async (t) => {
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

  t.test(`delivers events through ${kind} after the commit, and none of a rollback`, async (t) => {
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
  });

  t.test(`stops delivering to removed listeners through ${kind}`, async (t) => {
    const events = await opener(t)();
    const [received, repeated]: AccountEvent[][] = [[], []];
    const listener = (each: AccountEvent): void => void repeated!.push(each);
    const off = events.listen(listener);
    events.listen(listener);
    const changes: boolean[] = [];
    const offChanges = events.onConnection((connected) => void changes.push(connected));
    off();
    const { until } = collect(events);
    events.listen((each) => void received!.push(each));
    await commit(events, event());
    await until(({ length }) => length > 0);
    t.equal(repeated!.length, 1, 'the function was added twice and removed once');
    t.equal(received!.length, 1);
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
