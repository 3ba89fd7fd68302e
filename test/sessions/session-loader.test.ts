import t from 'tap';
import { createSessionLoader } from '../../src/sessions/session-loader.js';
import type { LiveSession } from '../../src/sessions/repository.js';

const row = (id: string) => ({ session: { id }, account: { id: `owner of ${id}` } }) as LiveSession;

t.test('loads the sessions of concurrent requests in one statement', async (t) => {
  const calls: (readonly string[])[] = [];
  const read = createSessionLoader(async (ids) => {
    calls.push(ids);
    return [...ids]
      .reverse()
      .filter((id) => id !== 'gone')
      .map(row);
  });
  const [a, again, b, gone] = await Promise.all([read('a'), read('a'), read('b'), read('gone')]);
  t.same(calls, [['a', 'b', 'gone']]);
  t.same([a?.session.id, again?.session.id, b?.session.id, gone], ['a', 'a', 'b', undefined]);
});

t.test('reads again in the next tick', async (t) => {
  let ended = false;
  const read = createSessionLoader(async (ids) => (ended ? [] : ids.map(row)));
  t.ok(await read('a'));
  ended = true;
  t.equal(await read('a'), undefined);
});

t.test('fails only the requests of a failed read', async (t) => {
  let fail = true;
  const read = createSessionLoader(async (ids) => {
    if (fail) throw new Error('away');
    return ids.map(row);
  });
  const outcomes = await Promise.allSettled([read('a'), read('b')]);
  t.same(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  fail = false;
  t.ok(await read('a'));
});

t.test('splits a large batch into several statements', async (t) => {
  const sizes: number[] = [];
  const read = createSessionLoader(async (ids) => {
    sizes.push(ids.length);
    return ids.map(row);
  });
  const found = await Promise.all(Array.from({ length: 450 }, (_, index) => read(`s${index}`)));
  t.ok(sizes.every((size) => size <= 200));
  t.same(
    found.map((each) => each?.session.id),
    Array.from({ length: 450 }, (_, index) => `s${index}`),
  );
});

t.test('lets requests during a statement wait for the next one', async (t) => {
  const calls: (readonly string[])[] = [];
  const answers: (() => void)[] = [];
  const read = createSessionLoader(async (ids) => {
    calls.push(ids);
    await new Promise<void>((resolve) => answers.push(resolve));
    return ids.map(row);
  });
  const first = read('a');
  await new Promise(setImmediate);
  const later = [read('a'), read('b')];
  await new Promise(setImmediate);
  const last = read('c');
  await new Promise(setImmediate);
  t.same(calls, [['a']]);
  answers[0]!();
  t.equal((await first)?.session.id, 'a');
  t.same(calls, [['a'], ['a', 'b', 'c']], 'read anew, together');
  answers[1]!();
  t.same(
    (await Promise.all([...later, last])).map((found) => found?.session.id),
    ['a', 'b', 'c'],
  );
});

t.test('does not wait long for a hanging statement', async (t) => {
  const read = createSessionLoader((ids) =>
    ids.includes('hangs') ? new Promise(() => undefined) : Promise.resolve(ids.map(row)),
  );
  void read('hangs');
  await new Promise(setImmediate);
  t.equal((await read('a'))?.session.id, 'a');
  t.equal((await read('b'))?.session.id, 'b', 'and those after it');
});
