import t from 'tap';
import { databaseAdvice } from '../../src/db/advice.js';
import { serviceUnavailable } from '../../src/lib/errors.js';

const away = (code: string, message = '') =>
  serviceUnavailable('The database is unavailable.', 1, Object.assign(new Error(message), { code }));

t.test('says what to change, by the error at the bottom', async (t) => {
  const advice: [string, string, RegExp][] = [
    ['28P01', 'password authentication failed', /user name and the password in DATABASE_URL/],
    ['28000', 'no pg_hba.conf entry for host "x", user "y", database "z", no encryption', /add sslmode=require/],
    ['28000', 'role "x" does not exist', /user name/],
    ['3D000', '', /name of the database in DATABASE_URL/],
    ['42501', '', /docs\/postgres\.md/],
    ['42P01', '', /MIGRATE_ON_START/],
    ['42704', 'unrecognized configuration parameter "foo"', /Remove the setting .* DATABASE_URL/],
    ['08P01', 'unsupported startup parameter: foo', /Remove the setting .* DATABASE_URL/],
    ['25006', '', /primary/],
    ['TLS_NOT_OFFERED', '', /sslmode=disable/],
    ['SELF_SIGNED_CERT_IN_CHAIN', '', /sslrootcert in DATABASE_URL/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', '', /another host/],
    ['CERT_HAS_EXPIRED', '', /Renew/],
    ['ECONNREFUSED', '', /host and the port in DATABASE_URL/],
  ];
  for (const [code, message, expected] of advice) t.match(databaseAdvice(away(code, message)), expected, code);
  for (const error of [away('08P01', 'no such database'), new Error('x'), undefined])
    t.equal(databaseAdvice(error), undefined);
});
