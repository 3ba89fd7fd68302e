import { readFileSync } from 'node:fs';
import { buildSchema, getOperationAST, parse } from 'graphql';
import t from 'tap';
import { assertAffordable, createCosts, requestsOf } from '../../../src/graphql/documents/cost.js';
import { SCHEMA_FILE } from '../../../src/graphql/schema.js';

const costs = createCosts(buildSchema(readFileSync(SCHEMA_FILE, 'utf8')));

function cost(source: string, variables: Record<string, unknown> = {}, name?: string): number {
  const document = parse(source);
  return costs(document, getOperationAST(document, name)!)(variables);
}

t.test('counts one row per root field and the page size per page, multiplied when nested', async (t) => {
  for (const [source, rows] of [
    ['{ me { id email preferences { theme } } }', 1],
    ['{ a: me { id } b: me { id } }', 2],
    ['{ me { sessions { id } } }', 101],
    ['{ me { sessions(first: 5) { id } } }', 6],
    ['{ users { edges { node { id } } } }', 20],
    ['{ users(first: 3) { edges { node { sessions(first: 7) { id } } } } }', 24],
    ['{ users(first: 100) { edges { node { sessions { id } } } } }', 10_100],
    ['mutation { updateMe(input: {}) { sessions(first: 2) { id } } }', 3],
    ['subscription { meUpdated { sessions(first: 2) { id } } }', 3],
    ['{ __schema { types { fields { name } } } }', 1],
  ] as const) {
    t.equal(cost(source), rows, source);
  }
});

t.test('counts fragments per spread, and ignores conditions', async (t) => {
  t.equal(cost('{ me { ...F ...F } } fragment F on User { sessions(first: 2) { id } }'), 5);
  t.equal(cost('{ me { ... { sessions(first: 2) { id } } ... on User { sessions(first: 2) { id } } } }'), 5);
  t.equal(
    cost('query ($no: Boolean!) { me @include(if: $no) { sessions(first: 4) @skip(if: true) { id } } }', { no: false }),
    5,
  );
});

t.test('reads the page size from a variable', async (t) => {
  const source = 'query ($n: Int) { users(first: $n) { pageInfo { hasNextPage } } }';
  t.equal(cost(source, { n: 7 }), 7);
  t.equal(cost(source, { n: 8 }), 8);
  for (const n of [undefined, null, 0, -5, 101, 1e9, '7', [7], {}])
    t.equal(cost(source, n === undefined ? {} : { n }), 100, JSON.stringify(n));
});

t.test('counts only the executed operation', async (t) => {
  const source = 'query A { me { id } } query B { users(first: 100) { edges { node { sessions { id } } } } }';
  t.equal(cost(source, {}, 'A'), 1);
  t.equal(cost(source, {}, 'B'), 10_100);
});

t.test('refuses a cost above the limit', async (t) => {
  t.equal(assertAffordable(5, 5), 5);
  t.throws(() => assertAffordable(6, 5), { code: 'QUERY_REJECTED', message: /could read 6 rows; the limit is 5/ });
});

t.test('many rows count as several requests, a page or a list of own sessions as none besides its own', async (t) => {
  t.same([1, 101, 199, 200, 10_100].map(requestsOf), [0, 0, 0, 1, 50]);
});
