import { GraphQLError, parse, type ASTNode } from 'graphql';
import t from 'tap';
import { AppError, serviceUnavailable, validationError } from '../../src/lib/errors.js';
import { translateDocumentError, translateError } from '../../src/graphql/error-format.js';

const node = parse('{\n  me\n}').definitions[0] as ASTNode;
const located = (originalError: Error) =>
  new GraphQLError(originalError.message, { nodes: node, path: ['me', 0], originalError });
const place = { locations: [{ line: 1, column: 1 }], path: ['me', 0] };

t.test('formats an AppError with code, message, details and location', async (t) => {
  const error = validationError([{ field: 'email', message: 'is taken' }]);
  const extensions = { code: 'VALIDATION_ERROR', details: [{ field: 'email', message: 'is taken' }] };
  t.strictSame(translateError(error, 'r').formatted, { message: error.message, extensions });
  t.strictSame(translateError(located(error), 'r').formatted, { message: error.message, ...place, extensions });
});

t.test('finds an AppError inside wrapping errors', async (t) => {
  const error = new AppError('NOT_FOUND', 'It is not there.');
  const wrapped = located(located(new Error('outer', { cause: new Error('inner', { cause: error }) })));
  t.equal(translateError(wrapped, 'r').error, error);
  t.strictSame(translateError(wrapped, 'r').formatted, {
    message: 'It is not there.',
    ...place,
    extensions: { code: 'NOT_FOUND' },
  });
});

t.test(
  'hides any other error behind INTERNAL_ERROR with the request id, and keeps the cause for the log',
  async (t) => {
    const cyclic = new Error('round');
    cyclic.cause = cyclic;
    const sql = new Error('Failed query: select "secret" from users where id = $1', {
      cause: new Error('constraint users_email'),
    });
    for (const thrown of [
      sql,
      new TypeError('x is not a function'),
      cyclic,
      'a text',
      undefined,
      null,
      { message: 'like an error' },
    ]) {
      const { error, formatted } = translateError(thrown, 'r-1');
      t.strictSame(formatted, { message: 'Internal error.', extensions: { code: 'INTERNAL_ERROR', requestId: 'r-1' } });
      t.equal(error.cause, thrown);
    }
    const { error, formatted } = translateError(located(sql), 'r-1');
    t.strictSame(formatted, {
      message: 'Internal error.',
      ...place,
      extensions: { code: 'INTERNAL_ERROR', requestId: 'r-1' },
    });
    t.equal(error.cause, sql);
  },
);

t.test('treats a GraphQLError thrown by a resolver or scalar as internal, and hides its extensions', async (t) => {
  const thrown = new GraphQLError('DateTime takes a Date', { extensions: { code: 'SECRET', requestId: 'x' } });
  t.strictSame(translateError(located(thrown), 'r').formatted.extensions, { code: 'INTERNAL_ERROR', requestId: 'r' });
  t.strictSame(translateError(thrown, 'r').formatted, {
    message: 'Internal error.',
    extensions: { code: 'INTERNAL_ERROR', requestId: 'r' },
  });
});

t.test('replaces the message and details of an INTERNAL_ERROR by the request id', async (t) => {
  const cause = new Error('why');
  const { error, formatted } = translateError(
    new AppError('INTERNAL_ERROR', 'told too much', { retryAfter: 1 }, cause),
    'r',
  );
  t.strictSame(formatted, { message: 'Internal error.', extensions: { code: 'INTERNAL_ERROR', requestId: 'r' } });
  t.equal(error.cause, cause);
  const bare = new AppError('INTERNAL_ERROR', 'no cause');
  t.equal(translateError(bare, 'r').error.cause, bare);
});

t.test('answers SERVICE_UNAVAILABLE when the database is unavailable', async (t) => {
  const refusal = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' });
  const { formatted } = translateError(located(new Error('Failed query', { cause: refusal })), 'r');
  t.strictSame(formatted.extensions, { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 });
  t.notMatch(formatted.message, /10\.0\.0\.1|query/i);
  t.strictSame(translateError(serviceUnavailable('Busy.', 3), 'r').formatted.extensions, {
    code: 'SERVICE_UNAVAILABLE',
    retryAfter: 3,
  });
});

t.test('reports a null argument as a client error, but not the same message from a resolver', async (t) => {
  const message = 'Argument "id" of non-null type "ID!" must not be null.';
  const extensions = { code: 'VALIDATION_ERROR', details: [{ field: 'id', message: 'is required' }] };
  t.strictSame(
    translateError(located(new GraphQLError(message, { nodes: node })), 'r').formatted.extensions,
    extensions,
  );
  t.strictSame(translateError(new GraphQLError(message, { nodes: node }), 'r').formatted.extensions, extensions);
  t.equal(translateError(located(new Error(message)), 'r').error.code, 'INTERNAL_ERROR');
  t.equal(
    translateError(located(new GraphQLError('Abstract type', { nodes: node })), 'r').error.code,
    'INTERNAL_ERROR',
  );
});

t.test('reports an error in the document with its location', async (t) => {
  t.strictSame(translateDocumentError(new GraphQLError('Cannot query field "x".', { nodes: node })).formatted, {
    message: 'Cannot query field "x".',
    locations: [{ line: 1, column: 1 }],
    extensions: { code: 'QUERY_REJECTED' },
  });
});
