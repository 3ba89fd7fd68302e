import t from 'tap';
import { createSharedClock } from '../../src/db/clock.js';
import { startTestApp } from '../helpers/app.js';
import { testClock } from '../helpers/clock.js';
import { createTestDatabase, onRealPostgres, openTestDatabase } from '../helpers/database.js';
import { ME, REFRESH } from '../helpers/seed.js';
import { openPostgres } from '../../src/db/postgres.js';

t.test('uses the clock of the process with the embedded database', async (t) => {
  const embedded = { ...(await openTestDatabase(t)), kind: 'embedded' as const };
  const local = testClock(1_000_000);
  t.equal((await createSharedClock(embedded, local)).now(), 1_000_000);
});

if (onRealPostgres) {
  t.test('corrects clock skew with the time of the database', async (t) => {
    const db = await openTestDatabase(t);
    const offsets = [-30_000, 0, 30_000];
    const clocks = await Promise.all(
      offsets.map((offset) => createSharedClock(db, { now: () => Date.now() + offset })),
    );
    const times = clocks.map((clock) => clock.now());
    t.ok(Math.max(...times) - Math.min(...times) < 2000);
  });

  t.test('corrects a changed local clock', async (t) => {
    const db = await openTestDatabase(t);
    let offset = 0;
    const clock = await createSharedClock(db, { now: () => Date.now() + offset });
    offset = 3_600_000;
    t.ok(clock.now() - Date.now() > 3_000_000);
    await clock.synchronise();
    t.ok(Math.abs(clock.now() - Date.now()) < 2000);
  });

  t.test('accepts a retry within the grace time despite 30 s of clock skew', async (t) => {
    const url = await createTestDatabase(t);
    const instance = async (offset: number) => {
      const db = openPostgres({ url, poolSize: 2, timeoutMs: 10_000 });
      t.teardown(() => db.close());
      const clock = await createSharedClock(db, { now: () => Date.now() + offset });
      return startTestApp(t, { REFRESH_GRACE: '10s' }, db, clock);
    };
    const [early, late] = [await instance(-30_000), await instance(30_000)];
    const user = await early.user();
    const refresh = (app: typeof early) => app.client().send(REFRESH, { refreshToken: user.refreshToken });
    const answers = [await refresh(early), await refresh(late), await refresh(early)];
    t.same(
      answers.map(({ code }) => code),
      [undefined, undefined, undefined],
    );
    t.equal(new Set(answers.map(({ data }) => data?.['refresh'].refreshToken as string)).size, 1);
    const { accessToken } = answers[0]!.data!['refresh'];
    t.equal((await late.client({ token: accessToken }).send(ME)).code, undefined, 'and tokens hold on both');
  });
}
