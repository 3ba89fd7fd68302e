import t from 'tap';
import { redactText } from '../../src/fastify/redaction.js';
import { SECRET_SETTINGS } from '../../src/config/environment.js';
import { loopbackOrigins, originOf } from '../../src/config/readers.js';
import { ConfigError, loadConfig } from '../../src/config/config.js';
import { relyingPartyOf } from '../../src/config/relying-party.js';

const SECRET = 'n3Vq8sT1yZ6uB4wX9cK2mP7rL5dF0gHj';
const PRODUCTION = { NODE_ENV: 'production', PUBLIC_URL: 'https://auth.example.com', AUTH_SECRET: SECRET };

function issuesOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}

t.test('uses the documented defaults', async (t) => {
  const config = loadConfig({});
  t.match(config, {
    production: false,
    host: '127.0.0.1',
    port: 3000,
    databaseUrl: undefined,
    dataDir: '.data',
    redis: { url: undefined, prefix: 'latchkey:' },
    migrateOnStart: true,
    authSecrets: [],
    jwt: { algorithm: 'EdDSA', accessTtlMs: 900_000 },
    sessions: { ttlMs: 86_400_000, rememberMeTtlMs: 2_592_000_000, graceMs: 10_000 },
    passwords: { minLength: 8, blocklist: true, breachedUrl: undefined },
    argon2: { memoryKib: 19_456, timeCost: 2, parallelism: 1 },
    rateLimits: {
      anonymous: { max: 100, windowMs: 900_000 },
      authenticated: { max: 600, windowMs: 60_000 },
      login: { max: 5, windowMs: 900_000 },
      loginNetwork: { max: 100, windowMs: 900_000 },
    },
    accounts: { restoreWindowMs: 2_592_000_000, bootstrapAdmin: undefined, revealTakenEmails: true, emailLogin: false },
    auditRetentionMs: 31_536_000_000,
    mail: { smtp: undefined, appUrl: undefined },
    appName: 'Latchkey',
    trustProxy: [],
    trustRequestId: false,
    hstsIncludeSubdomains: true,
    corsOrigins: [],
    graphiql: true,
    introspection: true,
    logLevel: 'info',
    shutdownDelayMs: 0,
    shutdownTimeoutMs: 10_000,
  });
  t.ok(Object.isFrozen(config));
});

t.test('requires related settings together, and validates addresses', async (t) => {
  t.match(issuesOf({ SMTP_URL: 'smtp://mail.example.com' }), [/^MAIL_FROM: .*SMTP_URL/]);
  t.match(issuesOf({ BOOTSTRAP_ADMIN_EMAIL: 'root@example.com' }), [/^BOOTSTRAP_ADMIN_PASSWORD: /]);
  const from = 'Latchkey <no-reply@example.com>';
  t.match(issuesOf({ SMTP_URL: 'https://mail.example.com', MAIL_FROM: from }), [/^SMTP_URL: /]);
  t.match(issuesOf({ SMTP_URL: 'smtp://mail.example.com', MAIL_FROM: 'nobody' }), [/^MAIL_FROM: /]);
  t.match(issuesOf({ APP_URL: 'https://app.example.com/?x' }), [/^APP_URL: /]);
  t.match(issuesOf({ APP_URL: 'javascript:alert(1)' }), [/^APP_URL: /]);
  const { mail } = loadConfig({
    SMTP_URL: 'smtps://u:p@mail.example.com',
    MAIL_FROM: from,
    APP_URL: 'https://app.example.com/account/',
  });
  t.same(mail, { smtp: { url: 'smtps://u:p@mail.example.com', from }, appUrl: 'https://app.example.com/account' });
});

t.test('treats an empty value as unset', async (t) => {
  t.same(loadConfig({ PORT: '', HOST: ' ', AUTH_SECRET: '', TRUST_PROXY: ',' }), loadConfig({}));
});

t.test('reads values of every type', async (t) => {
  const config = loadConfig({
    PORT: '0',
    DATABASE_URL: 'postgres://u:p@127.0.0.1:5432/latchkey',
    AUTH_SECRET: `${SECRET}, ${SECRET}2`,
    JWT_ALGORITHM: 'HS256',
    JWT_SECRET_KEY: SECRET,
    ACCESS_TOKEN_TTL: '5m',
    REFRESH_TOKEN_TTL: '7d',
    REFRESH_GRACE: '0s',
    SESSION_IDLE_TTL: '30m',
    SESSION_MAX_PER_ACCOUNT: '5',
    MIGRATE_ON_START: 'off',
    GRAPHIQL: 'yes',
    PASSWORD_BLOCKLIST: 'off',
    BREACHED_PASSWORD_URL: 'https://api.pwnedpasswords.com/range/',
    REVEAL_TAKEN_EMAILS: 'false',
    EMAIL_LOGIN: 'true',
    APP_NAME: 'Acme',
    TRUST_REQUEST_ID: 'on',
    HSTS_INCLUDE_SUBDOMAINS: 'off',
    TRUST_PROXY: '10.0.0.0/8, ::1, fd00::/8',
    CORS_ORIGINS: 'https://app.example.com,http://localhost:5173/',
    RATE_LIMIT_ANONYMOUS: '5/1s',
    RATE_LIMIT_FIELDS: 'register=1000/15m',
    EXTRA_SCOPES: 'reports:read, reports:write=ADMIN',
  });
  t.match(config, {
    port: 0,
    databaseUrl: 'postgres://u:p@127.0.0.1:5432/latchkey',
    authSecrets: [SECRET, `${SECRET}2`],
    jwt: { algorithm: 'HS256', secretKey: SECRET, accessTtlMs: 300_000 },
    sessions: { ttlMs: 604_800_000, graceMs: 0, idleTtlMs: 1_800_000, maxPerAccount: 5 },
    migrateOnStart: false,
    passwords: { blocklist: false, breachedUrl: 'https://api.pwnedpasswords.com/range' },
    accounts: { revealTakenEmails: false, emailLogin: true },
    appName: 'Acme',
    trustProxy: ['10.0.0.0/8', '::1', 'fd00::/8'],
    trustRequestId: true,
    hstsIncludeSubdomains: false,
    corsOrigins: ['https://app.example.com', 'http://localhost:5173'],
    rateLimits: { anonymous: { max: 5, windowMs: 1000 } },
    scopes: { USER: ['reports:read'], ADMIN: ['reports:write'] },
  });
  t.same(config.rateLimits.fields.get('register'), { max: 1000, windowMs: 900_000 });
});

t.test('builds a URL from an IPv6 host', async (t) => {
  for (const [host, origin] of [
    ['127.0.0.1', 'http://127.0.0.1:3000'],
    ['::1', 'http://[::1]:3000'],
    ['[::1]', 'http://[::1]:3000'],
    ['fe80::1%eth0', 'http://[fe80::1]:3000'],
    ['0.0.0.0', 'http://127.0.0.1:3000'],
    ['::', 'http://[::1]:3000'],
    ['auth.internal', 'http://auth.internal:3000'],
  ] as const) {
    const config = loadConfig({ HOST: host });
    t.equal(originOf(config.host, config.port), origin, host);
  }
  t.equal(loadConfig({ HOST: '[::1]' }).host, '::1', 'as it is listened on');
  t.equal(originOf('127.0.0.1', 80), 'http://127.0.0.1', 'as browsers send it');
  for (const host of ['::1::', 'a b', 'http://127.0.0.1', '127.0.0.1:3000', 'a/b', 'u@a'])
    t.match(issuesOf({ HOST: host }), [/^HOST: /], host);
});

t.test('reports every error at once, by variable name', async (t) => {
  const faulty = {
    PORT: '70000',
    PUBLIC_URL: 'https://auth.example.com/?path',
    DATABASE_URL: 'mysql://127.0.0.1/x',
    DATABASE_POOL_SIZE: '0',
    REDIS_URL: 'https://127.0.0.1',
    AUTH_SECRET: 'short',
    JWT_ALGORITHM: 'none',
    ACCESS_TOKEN_TTL: '15 minutes',
    REFRESH_TOKEN_TTL: '0s',
    MIGRATE_ON_START: 'maybe',
    TRUST_PROXY: 'true',
    CORS_ORIGINS: '*',
    RATE_LIMIT_ANONYMOUS: 'lots',
    RATE_LIMIT_FIELDS: 'register',
    EXTRA_SCOPES: 'a"b',
    LOG_LEVEL: 'loud',
  };
  t.same(
    issuesOf(faulty)
      .map((issue) => issue.split(':')[0])
      .sort(),
    Object.keys(faulty).sort(),
  );
});

t.test('requires DATABASE_URL for DATABASE_LISTEN_URL', async (t) => {
  const url = 'postgres://127.0.0.1/x';
  t.match(issuesOf({ DATABASE_LISTEN_URL: url }), [/^DATABASE_LISTEN_URL: expected to be set with DATABASE_URL/]);
  t.same(issuesOf({ DATABASE_LISTEN_URL: url, DATABASE_URL: url }), []);
});

for (const network of ['1', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/x', '::/0', 'localhost', '::1/129']) {
  t.test(`TRUST_PROXY refuses ${network}`, async (t) => t.equal(issuesOf({ TRUST_PROXY: network }).length, 1));
}

t.test('refuses weak and missing secrets in production, without repeating them', async (t) => {
  t.same(issuesOf(PRODUCTION), []);
  t.match(issuesOf({ NODE_ENV: 'production' }), [/^PUBLIC_URL: .*production/, /^AUTH_SECRET: .*production/]);
  t.match(issuesOf({ ...PRODUCTION, JWT_ALGORITHM: 'HS256' }), [/^JWT_SECRET_KEY/]);
  for (const weak of [
    'change-me-change-me-change-me-change-me',
    'a'.repeat(64),
    'this-is-an-example-secret-of-40-characters',
    'CHANGEME'.repeat(5),
    'abc12'.repeat(8),
  ]) {
    for (const name of ['AUTH_SECRET', 'JWT_SECRET_KEY', 'METRICS_TOKEN']) {
      const issues = issuesOf({ ...PRODUCTION, [name]: weak });
      t.match(issues, [new RegExp(`^${name}: .*placeholder`)], weak);
      t.notOk(issues.join().includes(weak));
      const { warnings } = loadConfig({ [name]: weak });
      t.match(warnings, [new RegExp(`^${name} .*placeholder that production refuses`)], 'elsewhere a warning');
      t.notOk(warnings.join().includes(weak));
    }
  }
  for (const random of ['3141592653589793238462643383279502', '0123456789abcdef'.repeat(4)])
    t.same(issuesOf({ ...PRODUCTION, AUTH_SECRET: random }), [], random);
});

t.test('turns off the playground and introspection in production by default', async (t) => {
  t.match(loadConfig(PRODUCTION), {
    production: true,
    graphiql: false,
    introspection: false,
    shutdownDelayMs: 5_000,
  });
  t.match(loadConfig({ ...PRODUCTION, GRAPHIQL: 'on', INTROSPECTION: 'on' }), { graphiql: true, introspection: true });
});

t.test('accepts redis and rediss URLs, and does not repeat their password in an error', async (t) => {
  for (const REDIS_URL of ['redis://127.0.0.1', 'redis://:hunter2@cache:6380/3', 'rediss://u:p@cache.example.com'])
    t.equal(loadConfig({ REDIS_URL }).redis.url, REDIS_URL);
  for (const REDIS_URL of ['redis://', 'redis://u:hunter2@cache/name', 'cache:6379', '/run/redis.sock']) {
    t.match(issuesOf({ REDIS_URL }), [/^REDIS_URL: expected redis:/], REDIS_URL);
    t.notMatch(issuesOf({ REDIS_URL }).join(), 'hunter2');
  }
});

t.test('refuses argon2 parameters below 8 KiB per lane', async (t) => {
  t.match(issuesOf({ ARGON2_MEMORY_KIB: '31', ARGON2_PARALLELISM: '4' }), [/^ARGON2_MEMORY_KIB/]);
  t.same(issuesOf({ ARGON2_MEMORY_KIB: '32', ARGON2_PARALLELISM: '4' }), []);
});

t.test('formats one error and several', async (t) => {
  t.throws(() => loadConfig({ PORT: 'x' }), /has an error:\n {2}PORT/);
  t.throws(() => loadConfig({ PORT: 'x', LOG_LEVEL: 'x' }), /has 2 errors:\n {2}PORT.*\n {2}LOG_LEVEL/);
});

t.test('reads every secret from a file, without the trailing newline', async (t) => {
  const directory = t.testdir({ secret: `${SECRET}\n`, database: 'postgres://u:p@db/latchkey', empty: '\n' });
  const config = loadConfig({ AUTH_SECRET_FILE: `${directory}/secret`, DATABASE_URL_FILE: `${directory}/database` });
  t.match(config, { authSecrets: [SECRET], databaseUrl: 'postgres://u:p@db/latchkey' });
  for (const name of SECRET_SETTINGS) {
    const both = issuesOf({ [name]: SECRET, [`${name}_FILE`]: `${directory}/secret` });
    t.match(both, [new RegExp(`^${name}_FILE: expected to be unset while ${name} is set`)]);
    t.match(issuesOf({ [`${name}_FILE`]: `${directory}/none` }), [new RegExp(`^${name}_FILE: .*\\(ENOENT\\)`)]);
    t.match(issuesOf({ [`${name}_FILE`]: `${directory}/empty` }), [new RegExp(`^${name}_FILE: .* is empty`)]);
    t.same(issuesOf({ [`${name}_FILE`]: ' ' }), [], 'treats an empty value as unset');
  }
  t.match(issuesOf({ METRICS_TOKEN_FILE: directory }), [/^METRICS_TOKEN_FILE: .*\(EISDIR\)/]);
});

t.test('reads settings under their earlier names, with a warning', async (t) => {
  const config = loadConfig({
    HASH_QUEUE: '7',
    MAX_SOCKETS: '8',
    HASH_CONCURRENCY: '3',
    PASSWORD_HASH_CONCURRENCY: '4',
  });
  t.match(config, { argon2: { queue: 7, concurrency: 4 }, sockets: { max: 8 } });
  t.match(config.warnings, [
    /^HASH_CONCURRENCY is now called PASSWORD_HASH_CONCURRENCY/,
    /^HASH_QUEUE is now called PASSWORD_HASH_QUEUE_SIZE/,
    /^MAX_SOCKETS is now called MAX_WEBSOCKETS/,
  ]);
  t.same(loadConfig({ HASH_QUEUE: ' ' }).warnings, []);
});

t.test('refuses weak or unencrypted settings in production', async (t) => {
  const DATABASE_URL = 'postgres://u:p@db/latchkey';
  const strict = { ...PRODUCTION, DATABASE_URL, METRICS_TOKEN: SECRET };
  t.same(loadConfig(strict).warnings, []);
  t.match(issuesOf({ ...strict, PUBLIC_URL: 'http://auth.example.com' }), [/^PUBLIC_URL: expected https:/]);
  t.match(issuesOf({ ...strict, APP_URL: 'http://app.example.com' }), [/^APP_URL: expected https:/]);
  for (const PUBLIC_URL of ['http://127.0.0.1:3000', 'http://localhost:3000', 'http://[::1]:3000'])
    t.same(issuesOf({ ...strict, PUBLIC_URL }), [], PUBLIC_URL);
  t.match(issuesOf({ ...strict, PUBLIC_URL: 'http://127.0.0.1.evil.example' }), [/^PUBLIC_URL/]);
  for (const [memory, time] of [
    ['47104', '1'],
    ['19456', '2'],
    ['7168', '5'],
    ['65536', '3'],
  ] as const)
    t.same(issuesOf({ ...strict, ARGON2_MEMORY_KIB: memory, ARGON2_TIME_COST: time }), [], `${memory}/${time}`);
  for (const [memory, time] of [
    ['47103', '1'],
    ['19455', '2'],
    ['7167', '100'],
  ] as const)
    t.match(issuesOf({ ...strict, ARGON2_MEMORY_KIB: memory, ARGON2_TIME_COST: time }), [
      /^ARGON2_MEMORY_KIB: .*OWASP/,
    ]);
  t.same(issuesOf({ ARGON2_MEMORY_KIB: '64', ARGON2_TIME_COST: '1', PUBLIC_URL: 'http://auth.test' }), []);
});

t.test('writes warnings that log redaction does not change', async (t) => {
  const weak = 'change-me-'.repeat(4);
  const placeholders = { AUTH_SECRET: weak, JWT_SECRET_KEY: weak, METRICS_TOKEN: weak };
  const warnings = [
    ...loadConfig({ ...placeholders, HOST: '0.0.0.0', HASH_QUEUE: '7' }).warnings,
    ...loadConfig({ ...PRODUCTION, REDIS_URL: 'redis://cache:6379' }).warnings,
  ];
  t.same(warnings.map(redactText), warnings);
  t.equal(warnings.length, 8);
});

t.test('warns of settings that an operator may not intend', async (t) => {
  t.match(loadConfig(PRODUCTION).warnings, [/^DATABASE_URL is not set/, /^METRICS_TOKEN and METRICS_PORT are not set/]);
  t.match(loadConfig({ ...PRODUCTION, METRICS_PORT: '9464' }).warnings, [/^DATABASE_URL /]);
  for (const HOST of ['0.0.0.0', '::', '[::]'])
    t.match(loadConfig({ HOST }).warnings, [/^HOST listens on all addresses in development mode/]);
  t.same(loadConfig({}).warnings, []);
  const quiet = { ...PRODUCTION, DATABASE_URL: 'postgres://u:p@db/latchkey', METRICS_TOKEN: SECRET };
  for (const REDIS_URL of ['redis://cache:6379', 'redis://:hunter2@10.0.0.1', 'redis://127.0.0.1.example.com'])
    t.match(loadConfig({ ...quiet, REDIS_URL }).warnings, [/^REDIS_URL is not encrypted(?!.*hunter2)/], REDIS_URL);
  for (const REDIS_URL of ['rediss://cache:6379', 'redis://127.0.0.1:6379', 'redis://localhost', 'redis://[::1]:6379'])
    t.same(loadConfig({ ...quiet, REDIS_URL }).warnings, [], REDIS_URL);
  t.same(loadConfig({ REDIS_URL: 'redis://cache:6379' }).warnings, [], 'in production only');
  t.match(loadConfig({ METRICS_PORT: '0', METRICS_TOKEN: SECRET, AUDIT_LOG: 'on' }), {
    metrics: { port: 0, token: SECRET },
    auditLog: true,
  });
  t.match(issuesOf({ METRICS_PORT: '3000' }), [/^METRICS_PORT: expected a port other than PORT/]);
  t.match(issuesOf({ METRICS_PORT: '70000', METRICS_TOKEN: 'short' }), [/^METRICS_PORT/, /^METRICS_TOKEN/]);
});

t.test('asks for percent-encoding where a password changes what a URL means', async (t) => {
  const MAIL_FROM = 'no-reply@example.com';
  for (const password of [
    'hun#ter2',
    'hun/ter2',
    'hun?ter2',
    'hun@ter2',
    'hun%ter2',
    '5#hunter2',
    '5?hunter2',
    '%ff',
  ]) {
    const smtp = issuesOf({ SMTP_URL: `smtp://user:${password}@mail.example.com`, MAIL_FROM });
    t.match(smtp, [/^SMTP_URL: expected smtp:.*percent-encoded/], password);
    const redis = issuesOf({ REDIS_URL: `redis://user:${password}@cache` });
    t.match(redis, [/^REDIS_URL: expected redis:.*percent-encoded/], password);
    for (const fault of [...smtp, ...redis]) t.notMatch(fault, /unter2|ter2/);
  }
  const encoded = 'smtp://us%40er:hun%2Fter%23%25@mail.example.com:587/?requireTLS=false';
  t.equal(loadConfig({ SMTP_URL: encoded, MAIL_FROM }).mail.smtp?.url, encoded);
  t.match(issuesOf({ SMTP_URL: 'smtp://', MAIL_FROM }), [/^SMTP_URL/]);
});

t.test('never repeats a value that may hold a password', async (t) => {
  const secret = 'https://user:hunter2hunter2@example.com/x';
  const names = [
    'PUBLIC_URL',
    'HOST',
    'CORS_ORIGINS',
    'TRUST_PROXY',
    'APP_URL',
    'DATABASE_URL',
    'REDIS_URL',
    'SMTP_URL',
  ];
  for (const name of [...names, 'RATE_LIMIT_FIELDS', 'PORT', 'LOG_LEVEL']) {
    const issues = issuesOf({ MAIL_FROM: 'a@b.example', SMTP_URL: 'smtp://mail.example.com', [name]: secret });
    t.ok(issues.length > 0, name);
    t.notMatch(issues.join(), 'hunter2');
  }
});

t.test('accepts an origin as PUBLIC_URL, with or without a path', async (t) => {
  for (const [value, expected] of [
    ['https://auth.example.com', 'https://auth.example.com'],
    ['https://auth.example.com/', 'https://auth.example.com'],
    ['https://example.com/auth', 'https://example.com/auth'],
    ['https://example.com/a-b/c_d.e~f/', 'https://example.com/a-b/c_d.e~f'],
  ] as const)
    t.equal(loadConfig({ PUBLIC_URL: value }).publicUrl, expected);
  for (const value of [
    'https://example.com/a//b',
    'https://example.com/a/../b',
    'https://example.com/a%2fb',
    'https://example.com/a;b',
    'https://example.com/a?b',
    'https://example.com/a#b',
    'https://example.com/ä',
    'https://user@example.com/a',
    'ftp://example.com/a',
    'example.com/auth',
  ])
    t.match(issuesOf({ PUBLIC_URL: value }), [/^PUBLIC_URL: expected an address such as/], value);
  t.match(issuesOf({ PUBLIC_URL: 'https://example.com/graphql' }), [/^PUBLIC_URL: .*one of the service's own/]);
  t.match(issuesOf({ NODE_ENV: 'production', AUTH_SECRET: SECRET }), [/^PUBLIC_URL: expected to be set in production/]);
});

t.test('allows the loopback origins of a loopback server unless PUBLIC_URL is set', async (t) => {
  const local = { publicUrl: undefined, host: '127.0.0.1', port: 3000 };
  t.same(loopbackOrigins(local), ['http://127.0.0.1:3000', 'http://[::1]:3000', 'http://localhost:3000']);
  t.same(loopbackOrigins({ ...local, publicUrl: 'https://auth.example.com' }), []);
  t.same(loopbackOrigins({ ...local, host: '0.0.0.0' }), []);
});

const relyingParty = (env: Record<string, string>) => {
  const { webauthn, publicUrl, mail } = loadConfig(env);
  return relyingPartyOf({ ...webauthn, publicUrl: publicUrl ?? 'http://127.0.0.1:3000', appUrl: mail.appUrl });
};

t.test('takes the domain of passkeys from PUBLIC_URL and APP_URL', async (t) => {
  const auth = 'https://auth.example.com';
  const own = { id: 'auth.example.com', origins: [auth] };
  t.same(relyingParty({ PUBLIC_URL: `${auth}/latchkey` }), own);
  t.same(relyingParty({ PUBLIC_URL: auth, APP_URL: `${auth}/account` }), own);
  t.same(
    relyingParty({ PUBLIC_URL: auth, APP_URL: 'https://example.com' }),
    { id: 'example.com', origins: ['https://example.com', auth] },
    'APP_URL is above',
  );
  t.same(
    relyingParty({ PUBLIC_URL: 'https://example.com', APP_URL: auth }),
    { id: 'example.com', origins: [auth, 'https://example.com'] },
    'PUBLIC_URL is above',
  );
  t.same(
    relyingParty({ PUBLIC_URL: auth, APP_URL: 'https://app.example.com' }),
    { id: 'app.example.com', origins: ['https://app.example.com'] },
    'siblings: where people sign in',
  );
  t.same(relyingParty({ PUBLIC_URL: auth, APP_URL: 'https://app.example.com', WEBAUTHN_RP_ID: 'example.com' }), {
    id: 'example.com',
    origins: ['https://app.example.com', auth],
  });
  t.same(relyingParty({}), { id: 'localhost', origins: ['http://localhost:3000'] });
});

t.test('rejects a domain of passkeys that its origins are not within', async (t) => {
  const PUBLIC_URL = 'https://auth.example.com';
  for (const id of ['https://example.com', 'Example.com', '192.0.2.1', 'example.com:443', '-a.com', 'a..b'])
    t.match(issuesOf({ PUBLIC_URL, WEBAUTHN_RP_ID: id }), [/^WEBAUTHN_RP_ID: expected a domain/], id);
  for (const id of ['other.com', 'ample.com', 'www.auth.example.com'])
    t.match(issuesOf({ PUBLIC_URL, WEBAUTHN_RP_ID: id }), [/^WEBAUTHN_RP_ID: expected the host of PUBLIC_URL/], id);
  for (const origin of ['https://other.com', 'https://notauth.example.com', 'https://example.com'])
    t.match(issuesOf({ PUBLIC_URL, WEBAUTHN_ORIGINS: origin }), [/^WEBAUTHN_ORIGINS: .*auth\.example\.com/], origin);
  t.match(issuesOf({ PUBLIC_URL, WEBAUTHN_ORIGINS: 'x' }), [/^WEBAUTHN_ORIGINS: expected an exact origin/]);
  t.same(issuesOf({ PUBLIC_URL, WEBAUTHN_ORIGINS: 'https://auth.example.com,https://www.auth.example.com' }), []);
  const plain = 'http://www.auth.example.com';
  t.match(issuesOf({ ...PRODUCTION, WEBAUTHN_ORIGINS: plain }), [/^WEBAUTHN_ORIGINS: expected https/]);
});

t.test('accepts the origins of Android apps for passkeys', async (t) => {
  const PUBLIC_URL = 'https://auth.example.com';
  const android = `android:apk-key-hash:${'x-_Y'.repeat(10)}abc`;
  for (const env of [{ PUBLIC_URL }, PRODUCTION])
    t.same(issuesOf({ ...env, WEBAUTHN_ORIGINS: android }), [], 'NODE_ENV' in env ? 'in production' : 'in development');
  t.same(relyingParty({ PUBLIC_URL, WEBAUTHN_ORIGINS: `${PUBLIC_URL},${android}` }), {
    id: 'auth.example.com',
    origins: [PUBLIC_URL, android],
  });
  for (const wrong of [`${android}=`, android.slice(0, -1), 'android:apk-key-hash:', 'ios:bundle-id:com.example.app'])
    t.match(issuesOf({ PUBLIC_URL, WEBAUTHN_ORIGINS: wrong })[0], /^WEBAUTHN_ORIGINS: expected /, wrong);
});

t.test('warns in production where passkeys do not work', async (t) => {
  const warned = (env: Record<string, string>) =>
    loadConfig({ ...PRODUCTION, ...env }).warnings.filter((warning) => warning.startsWith('WEBAUTHN'));
  t.same(warned({}), []);
  t.match(warned({ APP_URL: 'https://app.example.com' }), [/at https:\/\/app\.example\.com only, not at PUBLIC_URL/]);
  t.same(warned({ APP_URL: 'https://app.example.com', WEBAUTHN_RP_ID: 'example.com' }), []);
  t.match(warned({ PUBLIC_URL: 'https://192.0.2.1' }), [/IP address/]);
});
