import t from 'tap';
import { createFieldRedaction, redactText, serializeError } from '../../src/fastify/redaction.js';

const SECRET = 'hunter2-hunter2';
const JWT = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

/** A class of the same shape as Drizzle's and the drivers'. */
class DrizzleQueryError extends Error {
  constructor(
    readonly query: string,
    readonly params: unknown[],
    override readonly cause: Error,
  ) {
    super(`Failed query: ${query}\nparams: ${params.join(',')}`);
  }
}

t.test('redacts credentials in a text and keeps the rest', async (t) => {
  const texts: [string, string][] = [
    [`sent Bearer ${SECRET} to`, 'sent Bearer [redacted] to'],
    [`authorization: Basic ${SECRET}`, 'authorization: Basic [redacted]'],
    [`token was ${JWT}.`, 'token was [redacted].'],
    ['hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA end', 'hash [redacted] end'],
    [`postgres://latchkey:${SECRET}@db/main refused`, 'postgres://[redacted]@db/main refused'],
    [`{"password":"${SECRET} \\" x","a":1}`, '{"password":[redacted],"a":1}'],
    [`refreshToken=${SECRET}&a=1`, 'refreshToken=[redacted]&a=1'],
    [`opaque ${'a'.repeat(43)} here`, 'opaque [redacted] here'],
    ['id 0192c5a0-7e5c-7000-8000-000000000000 stays', 'id 0192c5a0-7e5c-7000-8000-000000000000 stays'],
  ];
  for (const [text, expected] of texts) t.equal(redactText(text), expected);
  for (const secret of ['a'.repeat(43), '0123456789abcdef'.repeat(4)]) t.equal(redactText(secret), '[redacted]');
  t.equal(redactText('word '.repeat(10_000)).length, 2000);
});

t.test('redacts a secret at the truncation limit completely', async (t) => {
  const secrets = [
    `postgres://latchkey:${SECRET}@db/main`,
    `${SECRET}${'a'.repeat(43)}`,
    `{"password":"many words and ${SECRET} and more"}`,
    `Bearer ${SECRET}`,
    JWT.replace('eyJ', `eyJ${SECRET}`),
  ];
  for (const limit of [2000, 65_536]) {
    for (const secret of secrets) {
      // Truncates the text at every position of the secret.
      for (let cut = 0; cut <= secret.length; cut += 1) {
        const before = (limit === 2000 ? 'x ' : `${'a'.repeat(99)} `).repeat(limit).slice(cut + 1 - limit);
        t.notMatch(redactText(`${before} ${secret} ${'y '.repeat(limit)}`), /hun|nter2/, `${secret} at ${cut}`);
      }
    }
  }
  t.notMatch(redactText(`password="${SECRET} and no end`), /hunter2|and no end/);
});

t.test('redacts fields by name at any depth', async (t) => {
  const line = {
    newPassword: SECRET,
    Authorization: SECRET,
    'set-cookie': [SECRET],
    body: { a: SECRET },
    status: 200,
    nested: { ms: 1, refreshToken: SECRET },
  };
  t.same(createFieldRedaction().redact(line), {
    newPassword: '[redacted]',
    Authorization: '[redacted]',
    'set-cookie': '[redacted]',
    body: '[redacted]',
    status: 200,
    nested: { ms: 1, refreshToken: '[redacted]' },
  });
  const circular: Record<string, unknown> = { status: 200 };
  circular['self'] = circular;
  t.match(createFieldRedaction().redact(circular), {
    status: 200,
    self: { self: { self: { self: { self: '[redacted]' } } } },
  });
  const instance = new Error('x');
  t.equal(createFieldRedaction().redact({ err: instance })['err'], instance);
});

t.test('keeps type, message, code, stack and causes of an error without the values', async (t) => {
  const driver = Object.assign(new Error('duplicate key value violates unique constraint "users_email_key"'), {
    code: '23505',
    detail: `Key (email)=(${SECRET}) already exists.`,
    where: SECRET,
    parameters: [SECRET],
  });
  const error = new DrizzleQueryError('insert into "users" values ($1)', [SECRET, `x\n    at ${SECRET}`], driver);
  const logged = serializeError(error);
  t.match(logged, {
    type: 'DrizzleQueryError',
    message: 'Failed query: insert into "users" values ($1)',
    stack: /^DrizzleQueryError: Failed query: .*\n {4}at /,
    cause: {
      type: 'Error',
      code: '23505',
      message: 'duplicate key value violates unique constraint "users_email_key"',
    },
  });
  t.notMatch(JSON.stringify(logged), SECRET);
  t.same(Object.keys(logged).sort(), ['cause', 'message', 'stack', 'type']);
});

t.test('redacts values that Postgres or JSON.parse quotes', async (t) => {
  const syntax = Object.assign(new Error(`invalid input syntax for type uuid: "${SECRET}"`), { code: '22P02' });
  t.equal(serializeError(syntax).message, 'invalid input syntax for type uuid: "[redacted]"');
  for (const json of [SECRET, `{"password":${SECRET}}`, `{"a":"${'x'.repeat(100)}", "b": ${SECRET}`]) {
    try {
      JSON.parse(json);
      t.fail('parsed');
    } catch (error) {
      t.notMatch(JSON.stringify(serializeError(error)), 'hunter2');
    }
  }
});

t.test('logs only the type of a thrown value that is no Error', async (t) => {
  for (const thrown of [SECRET, { password: SECRET }, 7, null, undefined]) {
    const logged = serializeError(thrown);
    t.equal(logged.type, typeof thrown);
    t.notMatch(JSON.stringify(logged), SECRET);
  }
});

t.test('bounds chains of causes, also circular ones, and keeps aggregated errors', async (t) => {
  const circular = new Error('round');
  circular.cause = circular;
  t.ok(JSON.stringify(serializeError(circular)).length < 50_000);
  const aggregate = new AggregateError([new Error(`Bearer ${SECRET}`), SECRET], 'all failed');
  t.match(serializeError(aggregate), { errors: [{ message: 'Bearer [redacted]' }, { type: 'string' }] });
});

t.test('converts a numeric code to text and accepts an error without a stack', async (t) => {
  const error = Object.assign(new Error('x'), { code: 7 });
  delete error.stack;
  t.match(serializeError(error), { code: '7', stack: 'Error: x' });
});
