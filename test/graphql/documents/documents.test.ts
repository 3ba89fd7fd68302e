import { GraphQLError, parse, type DocumentNode } from 'graphql';
import t from 'tap';
import { detachDocument, locationsOf } from '../../../src/graphql/documents/detach.js';
import { createDocuments, type DocumentOptions } from '../../../src/graphql/documents/documents.js';
import type { FormattedError } from '../../../src/graphql/error-format.js';
import { RejectedDocument } from '../../../src/graphql/documents/validation.js';
import { testSchema } from '../../helpers/graphql-server.js';

const schema = testSchema();

function documents(options: Partial<DocumentOptions> = {}) {
  return createDocuments({
    schema,
    maxDepth: 10,
    maxAliases: 15,
    maxDirectives: 20,
    maxTokens: 1000,
    maxNodes: 1_000_000,
    maxRepetitions: 20,
    maxLength: 16_384,
    cacheEntries: 10,
    maxCost: 11_000,
    introspection: true,
    suggestions: true,
    credentialFields: new Set(['login']),
    ...options,
  });
}

function faultsOf(work: () => unknown): readonly FormattedError[] {
  try {
    work();
  } catch (error) {
    if (error instanceof RejectedDocument) return error.errors.map(({ formatted }) => formatted);
    throw error;
  }
  return [];
}

const messages = (work: () => unknown): string =>
  faultsOf(work)
    .map(({ message }) => message)
    .join('\n');
/** A valid document of so many nodes, or a little more. */
const large = (nodes: number) =>
  `mutation M {\n login(input: { identifier: "a", password: "b", inner: { tags: [${'1 '.repeat(nodes)}] } }) }`;
const heavy = (i: number) => `${large(960)} #${i}`;

t.test('returns the same object for the same text and operation only', async (t) => {
  const prepare = documents();
  const source = 'query A { login } mutation B { logout }';
  t.equal(prepare(source, 'A'), prepare(source, 'A'));
  t.not(prepare(source, 'A').document, prepare(source, 'B').document);
  t.equal(prepare(source, 'A').operation.operation, 'query');
  t.equal(prepare(source, 'B').operation.operation, 'mutation');
});

t.test('refuses a missing, unknown or malformed operation name, also for a cached document', async (t) => {
  const prepare = documents();
  const two = 'query A { login } query B { login }';
  prepare(two, 'A');
  for (const name of [undefined, 'C', 'a', 'constructor'])
    t.throws(() => prepare(two, name), { code: 'QUERY_REJECTED', message: /operation/ });
  prepare('{login}', undefined);
  for (const name of ['', 'A\n{login}', 'é', '1']) t.throws(() => prepare(two, name), { code: 'QUERY_REJECTED' });
  t.throws(() => prepare('fragment F on Query { login }', undefined), { code: 'QUERY_REJECTED', message: /operation/ });
});

t.test('does not confuse an operation name with the text', async (t) => {
  const prepare = documents();
  prepare('#x\n{ login }', undefined);
  t.throws(() => prepare('{ login }', '\n#x'), { code: 'QUERY_REJECTED' });
});

t.test('limits length and tokens exactly', async (t) => {
  const prepare = documents({ maxLength: 20, maxTokens: 3 });
  t.ok(prepare('{ login }'.padEnd(20), undefined));
  t.throws(() => prepare('{ login }'.padEnd(21), undefined), { code: 'QUERY_REJECTED', message: /20 characters/ });
  t.match(
    messages(() => prepare('{ login login }', undefined)),
    /tokens/,
  );
});

t.test('reports up to three errors of a document with their locations', async (t) => {
  const prepare = documents();
  const errors = faultsOf(() => prepare('{ one two }', undefined));
  t.same(
    errors.map(({ locations }) => locations),
    [[{ line: 1, column: 3 }], [{ line: 1, column: 7 }]],
  );
  const many = Array.from({ length: 200 }, (_, i) => `f${i}`).join(' ');
  t.equal(faultsOf(() => prepare(`{ ${many} }`, undefined)).length, 4, 'three and a note that there are more');
  t.match(
    messages(() => prepare('{ login', undefined)),
    /^Syntax Error/,
  );
  t.match(
    messages(() => prepare('', undefined)),
    /^Syntax Error/,
  );
});

t.test('ignores a byte order mark', async (t) => {
  t.ok(documents()('\uFEFF{ login }', undefined));
});

t.test('suggests names from the schema only if enabled', async (t) => {
  const faulty = [
    '{ logim }',
    '{ node { many(frist: 1) { id } } }',
    'query Q($c: Colur) { login }',
    'mutation { login(input: { identifer: "a", identifier: "a", password: "b" }) }',
    'mutation { login(input: { identifier: "a", password: "b", inner: { colour: REED } }) }',
    'mutation { login(input: { identifier: "a", password: "b", inner: { colour: "RED" } }) }',
    '{ login @skp(if: true) }',
    'query Q($i: Inner = { colour: GREN }) { login }',
  ];
  for (const source of faulty) {
    const open = messages(() => documents()(source, undefined));
    const closed = messages(() => documents({ suggestions: false })(source, undefined));
    t.not(closed, '', source);
    t.notMatch(closed, /did you mean/i, source);
    if (!source.includes('@skp')) t.match(open, /did you mean/i, source);
  }
});

t.test('refuses __schema and __type without introspection, but not __typename', async (t) => {
  const prepare = documents({ introspection: false });
  for (const source of [
    '{ __schema { queryType { name } } }',
    '{ __type(name: "Node") { name } }',
    '{ x: __type(name: "Node") { name } }',
    '{ ...F } fragment F on Query { ... { __schema { types { name } } } }',
    'mutation M { __typename } query Q { __schema { types { name } } }',
  ]) {
    const name = /query (\w)/.exec(source)?.[1];
    t.match(
      messages(() => prepare(source, name)),
      /introspection/i,
      source,
    );
  }
  t.ok(prepare('{ __typename node { __typename } }', undefined));
  t.ok(documents()('{ __schema { queryType { name } } __type(name: "Node") { name } }', undefined));
});

t.test('refuses deep nesting before recursion', async (t) => {
  const prepare = documents({ maxTokens: 100_000, maxLength: 1_000_000, maxDepth: 100 });
  const wrap = (open: string, close: string, times: number, core = '') =>
    open.repeat(times) + core + close.repeat(times);
  for (const times of [150, 450, 3_000, 30_000]) {
    const deep = { code: 'QUERY_REJECTED', message: /deep|levels/ };
    t.throws(() => prepare(wrap('{a', '}', times), undefined), deep, `selections × ${times}`);
    t.throws(() => prepare(`{ login } query B ${wrap('{a', '}', times)}`, 'B'), deep, `another operation × ${times}`);
    t.throws(() => prepare(`{${wrap('...{', '}', times, 'login')}}`, undefined), deep, `inline fragments × ${times}`);
    if (times < 200) continue;
    t.throws(() => prepare(`{ echo(text: ${wrap('[', ']', times)}) }`, undefined), deep, `lists × ${times}`);
    t.throws(() => prepare(`{ echo(text: ${wrap('{a:', '}', times, '1')}) }`, undefined), deep, `objects × ${times}`);
    t.throws(
      () => prepare(`query ($v: ${wrap('[', ']', times, 'Int')}) { login }`, undefined),
      deep,
      `types × ${times}`,
    );
  }
});

t.test('refuses a long chain of fragments without a crash', async (t) => {
  const prepare = documents({ maxTokens: 1_000_000, maxLength: 1_000_000 });
  const chain = Array.from({ length: 20_000 }, (_, i) => `fragment F${i} on Query{...F${i + 1}}`).join('');
  t.throws(() => prepare(`{...F0}${chain}fragment F20000 on Query{login}`, undefined), {
    code: 'QUERY_REJECTED',
    message: /deep/,
  });
});

t.test('reports fragment cycles by validation', async (t) => {
  t.match(
    messages(() => documents()('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }', undefined)),
    /itself/,
  );
});

t.test('prepares documents that structuredClone can copy with their locations, up to the limit', async (t) => {
  const prepare = documents({ maxTokens: 100_000, maxLength: 1_000_000 });
  const { document } = prepare(large(20_000), undefined);
  const copy: DocumentNode = structuredClone(document);
  const [definition] = copy.definitions;
  t.same(locationsOf(new GraphQLError('here', { nodes: definition ?? null })), [{ line: 1, column: 1 }]);
  t.notOk(definition?.loc && 'startToken' in definition.loc, 'no token is held on to');
});

t.test('counts nodes with and without locations', async (t) => {
  t.equal(detachDocument(parse('{ a }'), '{ a }'), 5, 'document, operation, selection set, field, name');
  t.equal(detachDocument(parse('{ a }', { noLocation: true }), '{ a }'), 5);
});

t.test('does not evict accepted documents by refused ones', async (t) => {
  const prepare = documents({ cacheEntries: 2 });
  const good = prepare('{ login }', undefined);
  for (let i = 0; i < 100; i += 1) {
    t.ok(faultsOf(() => prepare(`{ unknown${i} }`, undefined)).length > 0);
    t.ok(faultsOf(() => prepare(`{ login`, `Q${i}`)).length > 0);
    t.throws(() => prepare(`mutation M${i} { a: login b: login }`, undefined), { code: 'QUERY_REJECTED' });
    t.throws(() => prepare('{ login }', `Q${i}`), { code: 'QUERY_REJECTED' });
  }
  t.equal(prepare('{ login }', undefined), good);
});

t.test('bounds the cache in entries', async (t) => {
  const prepare = documents({ cacheEntries: 3 });
  const first = prepare('query Q0 { login }', undefined);
  for (let i = 1; i < 3; i += 1) prepare(`query Q${i} { login }`, undefined);
  t.equal(prepare('query Q0 { login }', undefined), first);
  for (let i = 3; i < 6; i += 1) prepare(`query Q${i} { login }`, undefined);
  t.not(prepare('query Q0 { login }', undefined), first);
});

t.test('bounds the cache in size, and reports its turnover', async (t) => {
  let turnovers = 0;
  const prepare = documents({ cacheEntries: 100, maxTokens: 1000, onTurnover: () => (turnovers += 1) });
  const first = prepare(heavy(0), undefined);
  t.equal(prepare(heavy(0), undefined), first);
  for (let i = 1; i <= 20; i += 1) prepare(heavy(i), undefined);
  t.not(prepare(heavy(0), undefined), first, 'twenty of these are more than a hundred of the usual ones');
  t.ok(turnovers >= 1 && turnovers <= 3, `told ${turnovers} times`);
});

t.test('prepares a document that is too large for the cache', async (t) => {
  const prepare = documents({ cacheEntries: 1 });
  const small = prepare('{ login }', undefined);
  t.not(prepare(heavy(0), undefined), prepare(heavy(0), undefined));
  t.equal(prepare('{ login }', undefined), small);
});

t.test('caches a refusal with the same message', async (t) => {
  const prepare = documents();
  const costly = `{ ${Array.from({ length: 200 }, (_, i) => `unknown${i}`).join(' ')} }`;
  let spent = 0;
  const refusal = () => faultsOf(() => prepare(costly, undefined, (requests) => (spent += requests)));
  const first = refusal();
  t.equal(first.length, 4);
  const once = spent;
  t.ok(once > 0);
  t.same(refusal(), first);
  t.equal(spent, once, 'the second time costs nothing');
  const deep = '{a'.repeat(11) + '}'.repeat(11);
  for (let i = 0; i < 2; i += 1) t.throws(() => prepare(deep, undefined), { message: /levels of fields/ });
});

t.test('bounds the cache of refusals in size', async (t) => {
  const prepare = documents({ cacheEntries: 1 });
  // The errors of one fill the memory.
  const refused = (i: number) =>
    `{ ${Array.from({ length: 11 }, (_, n) => `x${n}y${i}${'z'.repeat(600)}`).join(' ')} }`;
  let spent = 0;
  const send = (i: number) => faultsOf(() => prepare(refused(i), undefined, (requests) => (spent += requests)));
  send(0);
  const once = spent;
  send(0);
  t.equal(spent, 2 * once, 'too large to be remembered');
});

t.test('reports the work of a document once, as 0 to 10 requests', async (t) => {
  const prepare = documents({ maxLength: 100_000 });
  const spent: number[] = [];
  const spend = (requests: number) => void spent.push(requests);
  prepare('{ login }', undefined, spend);
  t.same(spent, [], 'a small document costs no more than the request that brings it');
  prepare(large(400), undefined, spend);
  t.same(spent, [4]);
  prepare(large(400), undefined, spend);
  t.same(spent, [4], 'it is remembered');
  t.throws(() => prepare(`{ login `.padEnd(6000), undefined, spend));
  t.same(spent, [4, 3], 'a text that does not parse costs by its length');
  t.throws(() => prepare(`{ login `.padEnd(60_000), undefined, spend));
  t.same(spent, [4, 3, 10]);
});

t.test('limits the nodes of a document', async (t) => {
  t.ok(documents({ maxNodes: 5 })('{ login }', undefined));
  t.throws(() => documents({ maxNodes: 4 })('{ login }', undefined), {
    code: 'QUERY_REJECTED',
    message: /limit of 4 nodes/,
  });
});

t.test('reports lines and columns for every kind of line end', async (t) => {
  const prepare = documents();
  const text = '{ login\n\r\n\r  one\n two\r\n}';
  t.same(
    faultsOf(() => prepare(text, undefined)).map(({ locations }) => locations),
    [[{ line: 4, column: 3 }], [{ line: 5, column: 2 }]],
  );
});

t.test('limits the locations and the quoted names of an error', async (t) => {
  const prepare = documents();
  const [conflict] = faultsOf(() => prepare('{ x: node { id name required } x: failing x: echo }', undefined));
  t.ok(conflict!.locations!.length <= 10);
  const fields = 'a: id b: id c: id d: id e: id f: id';
  const other = fields.replaceAll('id', 'name');
  const [nested] = faultsOf(() => prepare(`{ node { ${fields} } node { ${other} } }`, undefined));
  t.equal(nested!.locations!.length, 10);
  const [unknown] = faultsOf(() => prepare(`{ ${'x'.repeat(5000)} }`, undefined));
  t.equal(unknown!.message.length, 501);
});
