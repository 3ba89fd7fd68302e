import t from 'tap';
import { AppError, validationError } from '../../src/lib/errors.js';
import { toAppError } from '../../src/fastify/errors.js';
import { startTestServer } from '../helpers/server.js';

const JSON_TYPE = { 'content-type': 'application/json' };

t.test('answers QUERY_REJECTED for errors of Fastify, without its messages and codes', async (t) => {
  const { app } = startTestServer(t, { GRAPHQL_MAX_BODY: '1024' });
  app.post('/', () => ({}));
  const refused = [
    [{ headers: JSON_TYPE, payload: '{"a": hunter2}' }, 'The body is not valid JSON.'],
    [{ headers: JSON_TYPE, payload: '{"__proto__": {}}' }, 'The body is not valid JSON.'],
    [{ headers: JSON_TYPE, payload: '' }, 'The body is empty.'],
    [{ headers: JSON_TYPE, payload: `"${'x'.repeat(2000)}"` }, 'The body is too large.'],
    [{ headers: { 'content-type': 'text/html' }, payload: '<p>' }, 'The content type is not supported.'],
  ] as const;
  for (const [request, message] of refused) {
    const response = await app.inject({ method: 'POST', url: '/', ...request });
    t.equal(response.statusCode, 400);
    t.same(response.json(), { errors: [{ message, extensions: { code: 'QUERY_REJECTED' } }] });
  }
});

t.test('answers a malformed path with the headers of every response', async (t) => {
  const { app } = startTestServer(t);
  app.get('/:id', () => ({}));
  for (const url of ['/%zz', `/${'x'.repeat(200)}`]) {
    const response = await app.inject(url);
    t.equal(response.statusCode, 400);
    t.same(response.json(), {
      errors: [{ message: 'The request is malformed.', extensions: { code: 'QUERY_REJECTED' } }],
    });
    t.match(response.headers, {
      'x-request-id': String,
      'x-content-type-options': 'nosniff',
      'content-security-policy': /none/,
    });
  }
});

t.test('answers NOT_FOUND for an unknown route or method', async (t) => {
  const { app } = startTestServer(t);
  app.get('/here', () => ({}));
  for (const request of [{ url: '/there' }, { url: '/here', method: 'DELETE' }] as const) {
    const response = await app.inject(request);
    t.equal(response.statusCode, 404);
    t.same(response.json(), { errors: [{ message: 'There is no such route.', extensions: { code: 'NOT_FOUND' } }] });
  }
});

t.test('sends an AppError unchanged, with its status and Retry-After', async (t) => {
  const { app } = startTestServer(t);
  app.get('/busy', () => {
    throw new AppError('SERVICE_UNAVAILABLE', 'Busy.', { retryAfter: 7 }, new Error('hunter2'));
  });
  app.get('/invalid', () => {
    throw validationError([{ field: 'a', message: 'is required' }]);
  });
  const busy = await app.inject('/busy');
  t.match(busy, { statusCode: 503, headers: { 'retry-after': '7' } });
  t.same(busy.json(), { errors: [{ message: 'Busy.', extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 7 } }] });
  const invalid = await app.inject('/invalid');
  t.equal(invalid.statusCode, 400);
  t.same(invalid.json<{ errors: { extensions: object }[] }>().errors[0]?.extensions, {
    code: 'VALIDATION_ERROR',
    details: [{ field: 'a', message: 'is required' }],
  });
});

t.test('answers INTERNAL_ERROR with the request id for any other error', async (t) => {
  const { app } = startTestServer(t);
  const thrown = [
    new Error('hunter2'),
    'hunter2',
    new AppError('INTERNAL_ERROR', 'hunter2'),
    Object.assign(new Error('hunter2'), { statusCode: 302 }),
  ];
  app.get('/:index', (request) => {
    throw thrown[Number((request.params as { index: string }).index)];
  });
  for (const index of thrown.keys()) {
    const response = await app.inject(`/${index}`);
    t.equal(response.statusCode, 500);
    const requestId = response.headers['x-request-id'];
    t.same(response.json(), {
      errors: [{ message: 'Internal error.', extensions: { code: 'INTERNAL_ERROR', requestId } }],
    });
  }
});

t.test('translates statuses of plugin errors and outages of the database to error codes', async (t) => {
  const withStatus = (statusCode: number) => Object.assign(new Error('hunter2'), { statusCode });
  t.match(toAppError(withStatus(404), 'id'), { code: 'NOT_FOUND' });
  t.match(toAppError(withStatus(429), 'id'), { code: 'RATE_LIMIT_EXCEEDED', details: { retryAfter: 1 } });
  t.match(toAppError(withStatus(503), 'id'), { code: 'SERVICE_UNAVAILABLE', details: { retryAfter: 1 } });
  t.match(toAppError(withStatus(418), 'id'), { code: 'QUERY_REJECTED', message: 'The request is malformed.' });
  t.match(toAppError(Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' }), 'id'), {
    code: 'SERVICE_UNAVAILABLE',
  });
});
