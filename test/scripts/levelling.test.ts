/** When the benchmark takes a server for warm. */
import t from 'tap';
import { isLevel, levelOff } from '../../bench/lib/levelling.mjs';

/** Runs windows of these costs; fails past the last one. */
function windowsOf(costs: readonly number[]) {
  let next = 0;
  return () => {
    const cost = costs[next++];
    return cost === undefined ? Promise.reject(new Error('no window is left')) : Promise.resolve(cost);
  };
}

t.test('continues while requests become cheaper, and stops when the cost is level', async (t) => {
  const costs = [900, 500, 300, 200, 150, 120, 100, 99, 101, 100, 98, 100];
  const { windows, level } = await levelOff(windowsOf(costs));
  t.equal(windows, 11);
  t.equal(level, true);
});

t.test('needs at least six windows', (t) => {
  t.equal(isLevel([100, 100, 100, 100, 100]), false);
  t.equal(isLevel([100, 100, 100, 100, 100, 100]), true);
  t.end();
});

t.test('does not treat a slow decline as level', (t) => {
  t.equal(isLevel([100, 97, 94, 91, 88, 85]), false);
  t.end();
});

t.test('tolerates one disturbed window', (t) => {
  t.equal(isLevel([100, 500, 100, 100, 100, 100]), true);
  t.equal(isLevel([200, 190, 180, 170, 900, 150]), false);
  t.end();
});

t.test('treats an increasing cost as level', (t) => {
  t.equal(isLevel([100, 100, 100, 120, 130, 140]), true);
  t.end();
});

t.test('stops at the bound and reports that the cost was not level', async (t) => {
  const halving = Array.from({ length: 20 }, (_, window) => 2 ** (20 - window));
  const { windows, level, costs } = await levelOff(windowsOf(halving), { bound: 8 });
  t.equal(windows, 8);
  t.equal(level, false);
  t.same(costs, halving.slice(0, 8));
});

t.test('fails when a window fails', async (t) => {
  await t.rejects(levelOff(windowsOf([1])), /no window is left/);
});
