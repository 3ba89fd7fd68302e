import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { DatabaseUrlError, parseDatabaseUrl } from '../../src/config/database-url.js';
import { transportWarnings } from '../../src/db/warnings.js';
import { makeCertificates } from '../helpers/certificates.js';

const SOCKET = { host: '/run/pg', port: 5432, path: '/run/pg/.s.PGSQL.5432' };

t.test('reads the URLs that services print', async (t) => {
  const urls: [string, object][] = [
    ['postgres://u:p@h:6543/db', { hosts: [{ host: 'h', port: 6543 }], user: 'u', password: 'p', database: 'db' }],
    ['postgresql://u@h/db?sslmode=require&channel_binding=require', { tls: { mode: 'verify-full' } }],
    ["'postgres://u:p@h/db'", { hosts: [{ host: 'h' }], database: 'db' }],
    ['"postgres://u:p@h/db"', { database: 'db' }],
    ['postgres://u:p@ss@h/db', { password: 'p@ss', hosts: [{ host: 'h' }] }],
    ['postgres://u:p%25s%23@h/db', { password: 'p%s#' }],
    ['postgres:///db?host=/run/pg', { hosts: [SOCKET], tls: { mode: 'disable' } }],
    ['postgres://%2Frun%2Fpg/db', { hosts: [SOCKET], tls: { mode: 'disable' } }],
    ['postgres://u:p@/db?host=/cloudsql/p:r:i', { hosts: [{ path: '/cloudsql/p:r:i/.s.PGSQL.5432' }] }],
    ['postgres://h/db?host=a,b&port=1,2&user=u&password=p&dbname=d', { hosts: [{ port: 1 }, { port: 2 }], user: 'u' }],
    ['postgres://[::1]:6000', { hosts: [{ host: '::1', port: 6000 }], tls: { mode: 'disable' } }],
    ['postgres://a:1,b:2/db?target_session_attrs=read-write', { hosts: [{ port: 1 }, { port: 2 }] }],
    ['postgres://h/db?schema=public&connection_limit=5&pgbouncer=true&pool_timeout=2', { pooler: true, settings: {} }],
    ['postgres://h/db?options=endpoint%3Dep&statement_timeout=5', { settings: { options: 'endpoint=ep' } }],
    ['postgres://h/db?application_name=x', { settings: { application_name: 'x' } }],
    ['postgres://127.0.0.1/db', { tls: { mode: 'disable' } }],
  ];
  for (const [url, expected] of urls) t.match(parseDatabaseUrl(url), expected, url);
});

t.test('reads every sslmode and what other clients call it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-url-'));
  const { ca, cert, key } = makeCertificates(directory);
  const modes: [string, string][] = [
    ['', 'prefer'],
    ['sslmode=disable', 'disable'],
    ['sslmode=allow', 'prefer'],
    ['sslmode=prefer', 'prefer'],
    ['sslmode=require', 'require'],
    ['sslmode=no-verify', 'require'],
    ['sslmode=verify-ca', 'verify-ca'],
    ['sslmode=verify-full', 'verify-full'],
    [`sslmode=require&sslrootcert=${ca}`, 'verify-ca'],
    ['sslmode=require&sslrootcert=system', 'verify-full'],
    [`sslrootcert=${ca}`, 'verify-full'],
    ['ssl=true', 'require'],
    ['ssl=0', 'disable'],
    ['sslaccept=strict', 'verify-full'],
    ['sslmode=require&sslaccept=accept_invalid_certs', 'require'],
    [`sslmode=verify-full&sslcert=${cert}&sslkey=${key}&sslpassword=x`, 'verify-full'],
  ];
  for (const [parameters, mode] of modes)
    t.equal(parseDatabaseUrl(`postgres://h/db?${parameters}`).tls.mode, mode, parameters);
  const junk = join(directory, 'junk.pem');
  writeFileSync(junk, '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n');
  const plain = join(directory, 'plain.pem');
  writeFileSync(plain, 'none');
  for (const [parameters, expected] of [
    ['sslmode=wrong', /sslmode to be one of/],
    ['sslmode=require&sslrootcert=/nowhere.pem', /sslrootcert .*nowhere\.pem \(ENOENT\)/],
    [`sslmode=require&sslrootcert=${plain}`, /a PEM file/],
    [`sslmode=require&sslrootcert=${junk}`, /PEM files that belong together/],
    [`sslmode=require&sslcert=${cert}`, /sslcert and sslkey together/],
    ['sslmode=disable&channel_binding=require', /channel_binding/],
  ] as const)
    t.throws(() => parseDatabaseUrl(`postgres://h/db?${parameters}`), { message: expected }, parameters);
});

t.test('refuses invalid URLs with a hint, without printing the password', async (t) => {
  const refusals: [string, RegExp][] = [
    ['mysql://h/db', /^postgres:\/\/user:password@host:port\/database$/],
    ['postgres://u:hunter%2@h/db', /percent-encoded \(% is written %25\)/],
    ['postgres://u:hunter#2@h/db', /percent-encoded/],
    ['postgres://u:hunter/2@h/db', /percent-encoded/],
    ['postgres://u:12/hunter@h/db', /percent-encoded/],
    ['postgres://u:hunter?2@h/db', /percent-encoded/],
    ['postgres://u:hunter@h:99999/db', /host:port/],
    ['postgres://u:hunter@h h/db', /percent-encoded/],
    ['postgres://[::1/db', /percent-encoded/],
    ['postgres://u:hunter@h/db?schema=app', /schema other than public/],
    ['postgres://u:hunter@h/db?options=-c%20search_path%3Dapp', /schema other than public/],
    ['postgres://u:hunter@h/db?target_session_attrs=standby', /accept writes/],
  ];
  for (const [url, expected] of refusals) {
    const error = t.throws(() => parseDatabaseUrl(url), url) as unknown as DatabaseUrlError;
    t.ok(error instanceof DatabaseUrlError, url);
    t.match(error.message, expected, url);
    t.notMatch(error.message, 'hunter');
  }
});

t.test('warns of servers elsewhere that are not verified', async (t) => {
  const warnings = (url: string) => transportWarnings({ DATABASE_URL: url, DATABASE_LISTEN_URL: undefined });
  t.match(warnings('postgres://u:hunter@db.test/db'), [/^The connection of DATABASE_URL to db\.test may not be/]);
  t.match(warnings('postgres://u:hunter@db.test/db?sslmode=require'), [/not verified: add sslmode=verify-full/]);
  t.notMatch(warnings('postgres://u:hunter@db.test/db')[0], 'hunter');
  for (const url of ['postgres://db.test/db?sslmode=verify-full', 'postgres://localhost/db', 'postgres://%2Frun/db'])
    t.same(warnings(url), [], url);
});
