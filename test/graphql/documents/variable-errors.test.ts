import { buildSchema, getOperationAST, GraphQLError, isScalarType, parse } from 'graphql';
import t from 'tap';
import { variableErrors } from '../../../src/graphql/documents/variable-errors.js';

const schema = buildSchema(`
  scalar Even
  enum Colour { RED GREEN }
  input Inner { colour: Colour!, tags: [Int!], even: Even, deeper: Inner }
  input Credentials { email: String!, password: String!, inner: Inner }
  input Either @oneOf { a: String, b: Int }
  type Query { a(c: Credentials, e: Either): String }
`);
const even = schema.getType('Even');
if (!isScalarType(even)) throw new Error('no scalar');
even.parseValue = (value) => {
  if (value === 'graphql') throw new GraphQLError(`no to ${value}`);
  if (Number(value) % 2 !== 0) throw new Error(`no to ${String(value)}`);
  return value;
};

function errors(declared: string, variables: Record<string, unknown>) {
  const operation = getOperationAST(parse(`query Q(${declared}) { a }`));
  if (!operation) throw new Error('no operation');
  return variableErrors(schema, operation, variables);
}

const credentials = (rest: object) => ({ input: { email: 'e', password: 'p', ...rest } });

t.test('accepts valid variables, and ignores undeclared ones', async (t) => {
  t.same(
    errors('$input: Credentials!', credentials({ inner: { colour: 'RED', tags: [1], even: 2 }, password: 'x' })),
    [],
  );
  t.same(errors('$a: Int, $b: Int! = 3', { other: 1 }), []);
  t.same(errors('$input: Credentials', { input: null }), []);
});

t.test('reports every error with its path inside the variable', async (t) => {
  const variables = {
    input: { email: 5, inner: { colour: 'BLUE', tags: [1, null, 'x'], even: 3, deeper: 'flat' }, extra: true },
  };
  t.same(errors('$input: Credentials!', variables), [
    { field: 'email', message: 'is not a valid String' },
    { field: 'password', message: 'is required' },
    { field: 'inner.colour', message: 'is not a valid Colour' },
    { field: 'inner.tags.1', message: 'must not be null' },
    { field: 'inner.tags.2', message: 'is not a valid Int' },
    { field: 'inner.even', message: 'is not a valid Even' },
    { field: 'inner.deeper', message: 'must be an object' },
    { field: 'extra', message: 'is not known' },
  ]);
});

t.test('reports a missing, null or mistyped variable by its name', async (t) => {
  t.same(errors('$email: String!, $password: String!, $n: Int', { password: null, n: '1' }), [
    { field: 'email', message: 'is required' },
    { field: 'password', message: 'must not be null' },
    { field: 'n', message: 'is not a valid Int' },
  ]);
  t.same(errors('$input: Credentials!', { input: ['x'] }), [{ field: 'input', message: 'must be an object' }]);
});

t.test('reports errors of an input with exactly one field (@oneOf)', async (t) => {
  t.same(errors('$e: Either!', { e: { a: 'x', b: 1 } }), [{ field: 'e', message: 'must have exactly one key' }]);
  t.same(errors('$e: Either!', { e: { a: null } }), [{ field: 'a', message: 'must not be null' }]);
});

t.test('never repeats a value', async (t) => {
  const secret = 'hunter2" at "x.y"; Field "z" of required type "';
  const variables = {
    input: {
      email: [secret],
      password: { secret },
      inner: { colour: secret, tags: secret, even: secret, deeper: secret },
    },
  };
  const found = errors('$input: Credentials!, $e: Even, $n: Int!', { ...variables, e: 'graphql', n: secret });
  t.equal(found.length, 8);
  t.notMatch(JSON.stringify(found), /hunter2|graphql/);
});

t.test('ignores inherited keys', async (t) => {
  const variables = JSON.parse(
    '{"input":{"email":"e","password":"p","__proto__":{"inner":5},"constructor":1,"a\\nb":1}}',
  ) as Record<string, unknown>;
  t.same(
    errors('$input: Credentials!', variables).map(({ field }) => field),
    ['__proto__', 'constructor', 'a\nb'],
  );
  t.same(errors('$toString: Int!', {}), [{ field: 'toString', message: 'is required' }]);
});

t.test('bounds the number of errors', async (t) => {
  t.equal(errors('$i: Inner!', { i: { colour: 'RED', tags: Array.from({ length: 10_000 }, () => 'x') } }).length, 50);
});

t.test('leaves variables of output types to validation', async (t) => {
  t.same(errors('$q: Query!, $u: Unknown!, $n: Int!', { q: 1 }), [{ field: 'n', message: 'is required' }]);
});
