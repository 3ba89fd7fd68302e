import t from 'tap';
import { ConfigError } from '../../src/config/config.js';
import { serviceUnavailable } from '../../src/lib/errors.js';
import { databaseName, failureText } from '../../src/server/start-failure.js';
import { SigningSecretError } from '../../src/signing-keys/service.js';

const where = {
  databaseUrl: 'postgres://ada:hunter2@db.test/main?password=hunter2',
  dataDir: '.data',
  authSecrets: ['x'.repeat(32)],
};
const postgresError = (code: string, message: string) =>
  Object.assign(new Error(message), { code, severity: 'FATAL', query: 'hunter2' });

t.test('names a database without its password', async (t) => {
  t.equal(databaseName(where), 'the database main on db.test:5432');
  t.equal(
    databaseName({ ...where, databaseUrl: 'postgres://[::1]:6000' }),
    'the database named like its user on [::1]:6000',
  );
  t.equal(databaseName({ ...where, databaseUrl: undefined }), 'the embedded database in .data');
});

t.test('reports an error that an operator can fix in one line', async (t) => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' });
  const noTables = new Error('Failed query: select\nparams: hunter2', {
    cause: postgresError('42P01', 'relation "signing_keys" does not exist'),
  });
  const inUse = Object.assign(new Error('listen EADDRINUSE: address already in use 127.0.0.1:3000'), {
    code: 'EADDRINUSE',
    syscall: 'listen',
  });
  const lines = [
    [serviceUnavailable('The database is away.', 1, refused), /main on db\.test:5432: The database is away\. \(ECONN/],
    [postgresError('28P01', 'password authentication failed for user "ada"'), /password authentication failed/],
    [postgresError('3D000', 'database "main" does not exist'), /"main" does not exist/],
    [noTables, /"signing_keys" does not exist\) .*MIGRATE_ON_START/],
    [inUse, /^Latchkey cannot start: listen EADDRINUSE: address already in use 127\.0\.0\.1:3000$/],
    ['hunter2', /not an Error/],
  ] as const;
  for (const [error, expected] of lines) {
    const text = failureText(error, where);
    t.match(text, expected);
    t.notMatch(text, /\n|hunter2/);
  }
  t.equal(failureText(new ConfigError(['PORT: expected 1'])), 'The configuration has an error:\n  PORT: expected 1');
});

t.test('reports an unexpected error with its stack and without secrets', async (t) => {
  const text = failureText(Object.assign(new Error('no'), { cause: postgresError('23505', 'x') }), where);
  t.match(text, /^Error: no\n {4}at /);
  t.match(failureText(new Error('token=hunter2')), /^Error: token=\[redacted\]\n {4}at /);
});

t.test('explains which secret the signing keys need and where it may be', async (t) => {
  const dataDir = t.testdir({ 'auth-secret': 'x'.repeat(64) });
  const error = new SigningSecretError();
  const set = failureText(error, { ...where, dataDir });
  t.match(
    set,
    /^AUTH_SECRET does not match the signing keys in the database main on db\.test:5432\.\n.*AUTH_SECRET=new,old\./,
  );
  t.ok(set.endsWith(` ${dataDir}/auth-secret contains a secret that was generated earlier.`));
  t.notMatch(failureText(error, { ...where, dataDir: t.testdir() }), /generated/);
  const unset = failureText(error, { dataDir, databaseUrl: undefined, authSecrets: [] });
  t.match(
    unset,
    /^AUTH_SECRET is not set, and the secret in .*auth-secret does not match the signing keys in the embedded/,
  );
  for (const text of [set, unset]) t.equal(text.split('\n').length, 2);
});
