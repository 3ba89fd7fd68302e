import t from 'tap';
import { createStatements } from '../../src/graphql/statements.js';

/** Work that the test finishes. */
function work(started: number[], index: number) {
  let end: (error?: Error) => void = () => undefined;
  const promise = new Promise<number>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve(index));
  });
  return {
    end: (error?: Error) => end(error),
    run: () => {
      started.push(index);
      return promise;
    },
  };
}

t.test('runs two at a time and the others in order, also after a failure', async (t) => {
  const run = createStatements();
  const started: number[] = [];
  const all = [0, 1, 2, 3].map((index) => work(started, index));
  const outcomes = all.map((each) => run(each.run).catch((error: Error) => error.message));
  await new Promise(setImmediate);
  t.same(started, [0, 1]);
  all[0]!.end(new Error('failed'));
  await outcomes[0];
  await new Promise(setImmediate);
  t.same(started, [0, 1, 2]);
  all[1]!.end();
  all[2]!.end();
  await outcomes[2];
  await new Promise(setImmediate);
  t.same(started, [0, 1, 2, 3]);
  all[3]!.end();
  t.same(await Promise.all(outcomes), ['failed', 1, 2, 3]);
  t.equal(await run(() => 4), 4, 'what is over leaves room');
});
