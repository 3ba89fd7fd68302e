/** Events during outages of the network, with a real Postgres and a real Redis. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.js';
import { createDatabaseEvents } from '../../src/events/database-events.js';
import type { AccountEvent } from '../../src/events/events.js';
import { openEvents } from '../../src/events/open.js';
import { encodeEvent } from '../../src/events/message.js';
import { createMessageSigner } from '../../src/events/signed-messages.js';
import { listenOnPostgres } from '../../src/db/listen.js';
import { connectRedis } from '../../src/redis/connection.js';
import { createTestDatabase, onRealPostgres, openTestDatabase } from '../helpers/database.js';
import { openPostgres } from '../../src/db/postgres.js';
import { testClock } from '../helpers/clock.js';
import { collect, connection, onRedis, recordingLog, REDIS_URL } from '../helpers/events.js';
import { faultProxy, type FaultProxy } from '../helpers/fault-proxy.js';

/** AUTH_SECRET of the deployment. */
const SECRETS = ['a test secret of more than thirty-two bytes'];

const event = (): AccountEvent => ({ auditId: randomUUID(), userId: randomUUID(), sessionId: null });

/** Ways in which a connection fails. */
const OUTAGES: Record<string, (proxy: FaultProxy) => void | Promise<void>> = {
  'cut off': (proxy) => proxy.cut(),
  'half-open': (proxy) => proxy.stall(),
  'refused for a while': (proxy) => proxy.refuse(),
};

t.test('is connected to the embedded database until it closes', async (t) => {
  const db = await openTestDatabase(t);
  const events = createDatabaseEvents({ db, log: recordingLog().log });
  await connection(events, true);
  await events.close();
  t.equal(events.connected(), false);
});

if (onRealPostgres) {
  for (const [outage, cause] of Object.entries(OUTAGES)) {
    t.test(`reports and replaces a listening connection that is ${outage}`, async (t) => {
      const url = await createTestDatabase(t);
      const proxy = await faultProxy(t, url, 5432);
      const db = openPostgres({ url, poolSize: 2, timeoutMs: 5_000 });
      t.teardown(() => db.close());
      const { log, lines } = recordingLog();
      const events = createDatabaseEvents({
        db: {
          ...db,
          listen: (channel, listener) =>
            listenOnPostgres({ ...listener, url: proxy.url, channel, heartbeatMs: 20, answerMs: 200 }),
        },
        log,
      });
      t.teardown(() => events.close());
      const { arrived, until } = collect(events);
      await connection(events, true);
      await cause(proxy);
      if (outage !== 'cut off') {
        await connection(events, false);
        await db.transaction((tx) => events.publish(tx, event()));
        t.same(arrived, [], 'events during the outage are missed');
        await proxy.pass();
      } else await proxy.untilConnections(2);
      await connection(events, true);
      const sent = event();
      await db.transaction((tx) => events.publish(tx, sent));
      t.same(await until(({ length }) => length > 0), [sent]);
      t.match(
        lines.map(({ message }) => message),
        [/^Event connection lost/, /^Event connection restored/],
      );
    });
  }
}

if (onRedis) {
  for (const [outage, cause] of Object.entries(OUTAGES)) {
    t.test(`delivers all events after the connections to Redis were ${outage}`, async (t) => {
      const proxy = await faultProxy(t, REDIS_URL, 6379);
      const { log, lines } = recordingLog();
      const db = await openTestDatabase(t);
      const prefix = `latchkey-test:${randomUUID()}:`;
      const open = (url: string) => {
        const redis = connectRedis(url, 'requests', log);
        const events = openEvents({ db, redis, url, prefix, secrets: SECRETS, clock: systemClock, log });
        t.teardown(async () => {
          await events.close();
          redis.close();
        });
        return events;
      };
      const [here, elsewhere] = [open(proxy.url), open(REDIS_URL)];
      await Promise.all([connection(here, true), connection(elsewhere, true)]);
      const { until } = collect(elsewhere);
      await cause(proxy);
      if (outage !== 'cut off') await connection(here, false);
      const sent = Array.from({ length: 250 }, event);
      for (const each of sent) await db.transaction((tx) => here.publish(tx, each));
      await proxy.pass();
      t.same(await until(({ length }) => length >= sent.length), sent, 'all of them once, in order');
      await connection(here, true);
      const line = lines.find(({ message }) => String(message).startsWith('Redis connection lost'));
      t.match(line, { level: 'warn', message: /^Redis connection lost \((requests|events)\)/ });
    });
  }

  t.test('reports a loss when the queue overflows', async (t) => {
    const proxy = await faultProxy(t, REDIS_URL, 6379);
    const { log } = recordingLog();
    const db = await openTestDatabase(t);
    const prefix = `latchkey-test:${randomUUID()}:`;
    const [away, redis] = [connectRedis(proxy.url, 'requests', log), connectRedis(REDIS_URL, 'requests', log)];
    // An hour ahead, to tell losses that `here` reports from those of `elsewhere`.
    const clock = testClock(systemClock.now() + 3_600_000);
    const elsewhere = openEvents({ db, redis, url: REDIS_URL, prefix, secrets: SECRETS, clock: systemClock, log });
    await connection(elsewhere, true);
    const losses: unknown[] = [];
    const lost = (since: number) =>
      new Promise<void>((resolve) => {
        elsewhere.onConnection((connected, lostSince) => {
          if (!connected && lostSince === since) resolve();
        });
      });
    const atStartup = lost(clock.now() - 900_000);
    const here = openEvents({ db, redis: away, url: proxy.url, prefix, secrets: SECRETS, clock, log });
    t.teardown(async () => {
      await Promise.all([here.close(), elsewhere.close()]);
      away.close();
      redis.close();
    });
    await connection(here, true);
    await atStartup;
    const { until } = collect(elsewhere);
    // This event follows the report of the startup. Once it has arrived, the report is not repeated.
    await here.publish(db.executor, event());
    await until(({ length }) => length === 1);
    await proxy.refuse();
    await connection(here, false);
    clock.advance(-3_600_000);
    const since = clock.now();
    elsewhere.onConnection((_connected, lostSince) => Number(lostSince) >= since && losses.push(lostSince));
    const COUNT = 10_000;
    for (let sent = 0; sent < COUNT + 1; sent += 1) await here.publish(db.executor, event());
    clock.advance(60_000);
    await here.publish(db.executor, event());
    const missed = lost(since);
    await proxy.pass();
    await until(({ length }) => length === 1 + COUNT);
    await missed;
    t.same(losses, [since], 'since the first lost event');
  });

  t.test('reports a possible loss at startup and ignores malformed messages', async (t) => {
    const { log, lines } = recordingLog();
    const db = await openTestDatabase(t);
    const prefix = `latchkey-test:${randomUUID()}:`;
    const clock = testClock();
    const open = () => {
      const redis = connectRedis(REDIS_URL, 'requests', log);
      const events = openEvents({ db, redis, url: REDIS_URL, prefix, secrets: SECRETS, clock, log });
      t.teardown(async () => {
        await events.close();
        redis.close();
      });
      return { events, redis };
    };
    const here = open();
    await connection(here.events, true);
    const losses: unknown[] = [];
    const loss = (since: unknown) =>
      new Promise<void>((resolve) => {
        here.events.onConnection((connected, lostSince) => {
          if (connected) return;
          losses.push(lostSince);
          if (lostSince === since) resolve();
        });
      });
    // The report of its own startup may arrive as well.
    const first = clock.now() - 900_000;
    clock.advance(1);
    const second = loss(first + 1);
    await connection(open().events, true);
    await second;
    t.ok(losses.every((since) => since === first || since === first + 1));
    clock.advance(1);
    const old = loss(first + 2);
    const signer = createMessageSigner(SECRETS, `${prefix}events`);
    await here.redis.client.publish(`${prefix}events`, signer.sign('missed:soon'));
    await here.redis.client.publish(`${prefix}events`, signer.sign('missed'));
    await old;
    t.ok(losses.every((since) => Number(since) <= first + 2));
    t.match(lines, [{ level: 'warn', message: /^Ignored a malformed event message/ }]);
  });

  t.test('ignores and counts messages without a valid signature and logs once', async (t) => {
    const { log, lines } = recordingLog();
    const db = await openTestDatabase(t);
    const prefix = `latchkey-test:${randomUUID()}:`;
    const redis = connectRedis(REDIS_URL, 'requests', log);
    const secrets = ['a new secret of more than thirty-two bytes', ...SECRETS];
    const events = openEvents({ db, redis, url: REDIS_URL, prefix, secrets, clock: systemClock, log });
    t.teardown(async () => {
      await events.close();
      redis.close();
    });
    await connection(events, true);
    const { arrived, until } = collect(events);
    const channel = `${prefix}events`;
    const send = (message: string) => redis.client.publish(channel, message);
    await send(encodeEvent(event()));
    await send('missed:1');
    await send(createMessageSigner(['the secret of others, of thirty-two bytes'], channel).sign(encodeEvent(event())));
    await send(createMessageSigner(SECRETS, 'another:events').sign(encodeEvent(event())));
    const ours = event();
    await send(createMessageSigner(SECRETS, channel).sign(encodeEvent(ours)));
    t.same(await until(({ length }) => length > 0), [ours], 'an earlier secret still verifies');
    t.equal(arrived.length, 1);
    t.equal(events.rejected(), 4);
    t.match(
      lines.filter(({ level }) => level === 'warn').map(({ message }) => message),
      [/not signed with AUTH_SECRET/],
    );
  });

  t.test('does not wait for an unavailable Redis and logs it once, without its password', async (t) => {
    const { log, lines } = recordingLog();
    const redis = connectRedis('redis://:hunter2hunter2@127.0.0.1:1', 'requests', log);
    await t.rejects(redis.client.ping());
    let attempts = 0;
    await new Promise<void>((resolve) => redis.client.on('reconnecting', () => (attempts += 1) > 2 && resolve()));
    t.equal(lines.length, 1);
    t.notMatch(JSON.stringify(lines), 'hunter2');
    t.equal(redis.isUp(), false);
    redis.drop();
    redis.close();
  });
}
