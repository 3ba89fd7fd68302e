import { getIntrospectionQuery, getOperationAST, parse } from 'graphql';
import t, { type Test } from 'tap';
import { loadConfig } from '../../../src/config/config.js';
import { AppError } from '../../../src/lib/errors.js';
import { assertWithinLimits, type DocumentLimits } from '../../../src/graphql/documents/limits.js';

const LIMITS: DocumentLimits = { maxDepth: 10, maxAliases: 15, maxDirectives: 20, maxTokens: 1000, maxRepetitions: 20 };
const CREDENTIALS = new Set(['login', 'register', 'refresh']);

function check(source: string, limits: Partial<DocumentLimits> = {}, operationName?: string): void {
  const document = parse(source);
  const operation = getOperationAST(document, operationName);
  if (!operation) throw new Error('no such operation');
  assertWithinLimits(document, operation, { ...LIMITS, ...limits }, CREDENTIALS);
}

function accepted(t: Test, source: string, limits?: Partial<DocumentLimits>, operationName?: string): void {
  t.doesNotThrow(() => check(source, limits, operationName));
}

function refused(
  t: Test,
  what: RegExp,
  source: string,
  limits?: Partial<DocumentLimits>,
  operationName?: string,
): void {
  t.throws(() => check(source, limits, operationName), { code: 'QUERY_REJECTED', message: what });
}

const nested = (depth: number) => `${'{a'.repeat(depth)}${'}'.repeat(depth)}`;
/** Fragments of which each spreads the next `times` over. */
const bomb = (levels: number, times: number, leaf: string) =>
  Array.from(
    { length: levels },
    (_, i) => `fragment F${i} on T { ${i === levels - 1 ? leaf : `...F${i + 1} `.repeat(times)} }`,
  ).join(' ');

t.test('limits the depth exactly, leaves included', async (t) => {
  accepted(t, nested(10));
  refused(t, /limit of 10 levels of fields/, nested(11));
});

t.test('measures depth through fragments, which add none', async (t) => {
  const tail = nested(8);
  accepted(t, `{ a { ...F } } fragment F on T { b ${tail} }`);
  accepted(t, `{ a { ...F } } fragment F on T { ... { ... on T { ... @skip(if: false) { b ${tail} } } } }`);
  refused(t, /levels of fields/, `{ a { x { ...F } } } fragment F on T { b ${tail} }`);
  refused(t, /levels of fields/, `{ a { ... { x { ...F } } } } fragment F on T { b ${tail} }`);
});

t.test('measures the deepest use of a fragment in any order', async (t) => {
  refused(t, /levels of fields/, `{ ...F a { b { ...F } } } fragment F on T ${nested(9)}`);
  refused(t, /levels of fields/, `{ a { b { ...F } } ...F } fragment F on T ${nested(9)}`);
});

t.test('accepts the standard introspection query with every option', async (t) => {
  const query = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
  accepted(t, query);
  refused(t, /levels of fields/, `{ x ${nested(10)} ...I } fragment I on Query { __typename }`);
});

t.test('limits the depth of introspection separately', async (t) => {
  accepted(t, `{ __schema ${nested(19)} }`);
  refused(t, /limit of 20 levels of introspection/, `{ __schema ${nested(20)} }`);
  refused(t, /levels of introspection/, `{ __type(name: "A") ${nested(20)} }`);
});

t.test('counts aliases in fragments per spread', async (t) => {
  accepted(t, `{ ${Array.from({ length: 15 }, (_, i) => `a${i}: a`).join(' ')} }`);
  refused(t, /limit of 15 aliases/, `{ ${Array.from({ length: 16 }, (_, i) => `a${i}: a`).join(' ')} }`);
  accepted(t, `{ ${'...F '.repeat(15)} } fragment F on T { x: a }`);
  refused(t, /aliases/, `{ ${'...F '.repeat(16)} } fragment F on T { x: a }`);
  refused(t, /aliases/, `{ ${'...F '.repeat(100)} } fragment F on T { ...G } fragment G on T { x: a }`);
});

t.test('accepts a limit of no aliases', async (t) => {
  accepted(t, '{ a }', { maxAliases: 0 });
  refused(t, /limit of 0 aliases/, '{ b: a }', { maxAliases: 0 });
});

t.test('counts directives on operations, variables, fields, spreads and fragments', async (t) => {
  const one = { maxDirectives: 0 };
  for (const source of [
    'query Q @d { a }',
    'query Q($v: Int @d) { a }',
    '{ a @d }',
    '{ ...F @d } fragment F on T { a }',
    '{ ... @d { a } }',
    '{ ...F } fragment F on T @d { a }',
    '{ ...F } fragment F on T { a @d }',
    '{ ...F @d }',
  ]) {
    refused(t, /limit of 0 directives/, source, one);
    accepted(t, source, { maxDirectives: 1 });
  }
  refused(t, /limit of 20 directives/, `{ a ${'@d '.repeat(21)} }`);
  refused(t, /directives/, `{ ${'...F '.repeat(11)} } fragment F on T { a @d @e }`);
});

t.test('refuses a fragment bomb without expanding it', async (t) => {
  refused(t, /limit of 1000 fields, fragments included/, `{ ...F0 } ${bomb(60, 4, 'a b')}`);
  refused(t, /aliases/, `{ ...F0 } ${bomb(60, 4, 'x: a')}`, { maxTokens: Infinity });
  refused(t, /directives/, `{ ...F0 } ${bomb(60, 4, 'a @d')}`, { maxTokens: Infinity });
});

t.test('measures cyclic fragments, and leaves the refusal to validation', async (t) => {
  accepted(t, '{ ...A } fragment A on T { a ...B } fragment B on T { b ...A }');
  accepted(t, '{ ...A } fragment A on T { a ...A }');
  accepted(t, '{ ...Unknown }');
});

t.test('refuses a second credential mutation, also by alias or fragment', async (t) => {
  accepted(t, 'mutation { login logout }');
  for (const source of [
    'mutation { login register }',
    'mutation { a: login b: login }',
    'mutation { login login }',
    'mutation { ...F ...F } fragment F on Mutation { login }',
    'mutation { ...F ... { refresh } } fragment F on Mutation { ...G } fragment G on Mutation { login }',
    'mutation { login @skip(if: true) register @skip(if: false) }',
  ]) {
    refused(t, /limit of 1 mutation that proves or renews credentials/, source);
  }
});

t.test('ignores fields of the same names in other places', async (t) => {
  accepted(t, 'query { login register refresh }');
  accepted(t, 'mutation { updateMe { login refresh register } }');
  accepted(t, 'mutation { login { login { refresh } } }');
});

t.test('measures only the executed operation', async (t) => {
  const source = `mutation A { login } mutation B { register } query Deep ${nested(11)}`;
  accepted(t, source, {}, 'A');
  accepted(t, source, {}, 'B');
  refused(t, /levels/, source, {}, 'Deep');
});

t.test('refuses with an AppError', async (t) => {
  try {
    check(nested(11));
    t.fail('not refused');
  } catch (error) {
    t.ok(error instanceof AppError);
  }
});

t.test('limits repetitions of a response name in a selection, fragments included', async (t) => {
  const limit = { maxRepetitions: 3 };
  const over = /limit of 3 fields with the same response name in one place/;
  accepted(t, '{ a a a }', limit);
  accepted(t, '{ a { x } a { x } b { x x } x }', limit);
  for (const source of [
    '{ a a a a }',
    '{ b: a b: a b: a b: c }',
    '{ a ...F a } fragment F on T { a a }',
    '{ a ... { a ... on T { a } } a }',
    '{ ...F ...F } fragment F on T { a a }',
    '{ ...F a } fragment F on T { ...G a } fragment G on T { a a }',
    '{ n { a a } n { a ...F } } fragment F on T { a }',
    '{ n { m { a } } n { m { a a } } n { m { a } } }',
  ]) {
    refused(t, over, source, limit);
  }
  refused(t, over, 'query A { b } query B { a a a a }', limit, 'A');
  refused(t, over, '{ b } fragment F on T { a a a a }', limit);
});

t.test('limits the fields of all operations and fragments together', async (t) => {
  const limit = { maxTokens: 10 };
  const several = (count: number) => Array.from({ length: count }, (_, i) => `f${i}`).join(' ');
  const over = /limit of 20 fields and spreads/;
  accepted(t, `query A { a } query B { ${several(19)} }`, limit, 'A');
  refused(t, over, `query A { a } query B { ${several(20)} }`, limit, 'A');
  refused(t, over, `{ a } ${bomb(60, 4, 'a')}`, limit);
  refused(t, over, `query A { a } query B { ...F0 } ${bomb(60, 4, 'a')}`, limit, 'A');
});

t.test('limits comparisons of fields', async (t) => {
  const over = /limit of 400 comparisons/;
  accepted(t, `{ ${'a { x y } '.repeat(12)} }`, { maxTokens: 100 });
  refused(t, over, `{ ${'a { x y } '.repeat(14)} }`, { maxTokens: 100 });
  const spreading = Array.from({ length: 15 }, (_, i) => `fragment F${i} on T { a }`).join(' ');
  accepted(t, `{ ${'...F0 '.repeat(5)} } ${spreading}`, { maxTokens: 100 });
  refused(t, over, `{ ${'...F0 '.repeat(6)} } ${spreading}`, { maxTokens: 100 });
  const missing = Array.from({ length: 9 }, (_, i) => `...F${i}`).join(' ');
  refused(t, over, `{ ${missing} }`, { maxTokens: 100 });
});

t.test('accepts documents of typical clients far below the defaults', async (t) => {
  const { graphql: limits } = loadConfig({ DATA_DIR: 'memory://' });
  const fragment = (name: string) => `fragment ${name} on User { id email username __typename }`;
  const names = Array.from({ length: 8 }, (_, i) => `Part${i}`);
  accepted(t, `query Page { me { ...${names.join(' ...')} __typename } } ${names.map(fragment).join(' ')}`, limits);
});
