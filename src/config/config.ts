/**
 * Reads the environment once into a frozen Config; no other module reads `process.env`. An empty value counts as unset. All issues
 * are reported together.
 */
import { availableParallelism } from 'node:os';
import { prepareEnvironment, RENAMED_SETTINGS, SECRET_SETTINGS } from './environment.js';
import { readers, type Environment, type Readers } from './readers.js';
import { checkCombinations } from './safety.js';
import { unknownNames } from './setting-names.js';

export type Config = ParsedConfig & {
  /** Warnings for the operator, one sentence each, starting with the setting's name. */
  readonly warnings: readonly string[];
};
export type ParsedConfig = ReturnType<typeof parseConfig>;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

const JWT_ALGORITHMS = ['EdDSA', 'ES256', 'PS256', 'RS256', 'HS256'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Lists all issues of the configuration. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(
    readonly issues: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      `The configuration has ${issues.length === 1 ? 'an error' : `${issues.length} errors`}:\n  ${issues.join('\n  ')}`,
      options,
    );
  }
}

/** Settings by the names of their environment variables. */
export type Settings = Readonly<Record<string, string | number | boolean | undefined>>;

/** Reads the environment. @throws ConfigError with all issues */
export function loadConfig(env: Environment = process.env): Config {
  const { config, issues } = load(env);
  if (issues.length > 0) throw new ConfigError(issues);
  return config;
}

/**
 * Reads settings that an application passes in code. Rejects unknown names. Names that are also in the
 * environment are accepted, because an application may copy it.
 * @throws ConfigError with all issues
 */
export function loadSettings(settings: Settings): Config {
  const present = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const { config, issues, names } = load(Object.fromEntries(present) as Environment);
  const known = new Set([...names, ...Object.keys(RENAMED_SETTINGS), ...SECRET_SETTINGS.map((name) => `${name}_FILE`)]);
  const isCopied = (name: string) => Object.hasOwn(process.env, name) && process.env[name] === settings[name];
  const all = [...unknownNames(Object.keys(settings), known, isCopied), ...issues];
  if (all.length > 0) throw new ConfigError(all);
  return config;
}

function load(env: Environment) {
  const prepared = prepareEnvironment(env);
  const read = readers(env, prepared);
  const config = parseConfig(read);
  const warnings = [...prepared.warnings, ...read.warnings, ...checkCombinations(config, read.report)];
  return { config: Object.freeze({ ...config, warnings }), issues: read.issues, names: read.names };
}

/** OpenID Connect Core 1.0 section 15.1 requires RS256. */
const ID_TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

/** Words that end with an underscore. Not `ey…`, with which access tokens begin. */
const API_KEY_PREFIX = /^(?!ey)[A-Za-z][A-Za-z\d]{1,15}_(?:[A-Za-z\d]{1,16}_)?$/;

const PLEX_IDENTIFIER = /^[\x21-\x7e]{1,128}$/;

function parseConfig(read: Readers) {
  const production = read.oneOf('NODE_ENV', ['development', 'test', 'production'], 'development') === 'production';
  const host = read.host('HOST', '127.0.0.1');
  const port = read.integer('PORT', 3000, 0, 65_535);
  const registration = read.oneOf('OAUTH_REGISTRATION', ['off', 'open', 'token'], 'off');
  const publicUrl = read.publicUrl('PUBLIC_URL', production);
  const algorithm = read.oneOf('JWT_ALGORITHM', JWT_ALGORITHMS, 'EdDSA');
  return {
    production,
    host,
    port,
    /** Unset: derived from the listening address. */
    publicUrl,
    /** The service's display name. */
    appName: read.text('APP_NAME', 'Latchkey'),
    databaseUrl: read.databaseUrl('DATABASE_URL'),
    /** The database for LISTEN if DATABASE_URL leads to a pooler; unset: DATABASE_URL. */
    databaseListenUrl: read.databaseUrl('DATABASE_LISTEN_URL'),
    databasePoolSize: read.integer('DATABASE_POOL_SIZE', 10, 1, 1000),
    databaseTimeoutMs: read.duration('DATABASE_TIMEOUT', '5s', '100ms', '5m'),
    redis: {
      /** Unset: events go through the database, and each instance has its own request limits. */
      url: read.redisUrl('REDIS_URL'),
      prefix: read.text('REDIS_PREFIX', 'latchkey:'),
    },
    dataDir: read.text('DATA_DIR', '.data'),
    migrateOnStart: read.flag('MIGRATE_ON_START', true),
    authSecrets: read.secrets('AUTH_SECRET', production),
    jwt: {
      algorithm,
      secretKey: read.secret('JWT_SECRET_KEY', algorithm === 'HS256'),
      accessTtlMs: read.duration('ACCESS_TOKEN_TTL', '15m', '1s', '24h'),
    },
    sessions: {
      ttlMs: read.duration('REFRESH_TOKEN_TTL', '24h', '1s', '3650d'),
      rememberMeTtlMs: read.duration('REMEMBER_ME_TTL', '30d', '1s', '3650d'),
      graceMs: read.duration('REFRESH_GRACE', '10s', '0s', '5m'),
      /** Unset: no idle timeout. */
      idleTtlMs: read.optionalDuration('SESSION_IDLE_TTL', '1m', '3650d'),
      maxPerAccount: read.integer('SESSION_MAX_PER_ACCOUNT', 100, 1, 10_000),
    },
    /** Starts every API key. Keys with another prefix are refused. */
    apiKeyPrefix: read.matching(
      'API_KEY_PREFIX',
      API_KEY_PREFIX,
      'letters and digits that end with _, such as sk_live_',
      'sk_live_',
    ),
    oauth: {
      accessTtlMs: read.duration('OAUTH_ACCESS_TOKEN_TTL', '1h', '1s', '24h'),
      /** From each refresh. */
      refreshTtlMs: read.duration('OAUTH_REFRESH_TOKEN_TTL', '30d', '1s', '3650d'),
      /** From the authorization. */
      grantMaxTtlMs: read.duration('OAUTH_GRANT_MAX_TTL', '365d', '1s', '3650d'),
      idTokenAlgorithm: read.oneOf('OAUTH_ID_TOKEN_ALGORITHM', ID_TOKEN_ALGORITHMS, 'RS256'),
      /** The policy of dynamic client registration. `open` also accepts client ID metadata documents. */
      registration,
      /** The bearer token for `token`. */
      registrationToken: read.secret('OAUTH_REGISTRATION_TOKEN', registration === 'token'),
    },
    identities: {
      providers: read.identityProviders('IDENTITY_PROVIDERS'),
      /** Origins and schemes to which a browser may return; empty: the origins of PUBLIC_URL and APP_URL. */
      returnToOrigins: read.returnToOrigins('RETURN_TO_ORIGINS'),
    },
    plex: {
      /** Names this installation to Plex. */
      clientIdentifier: read.matching(
        'PLEX_CLIENT_IDENTIFIER',
        PLEX_IDENTIFIER,
        'at most 128 printable ASCII characters without spaces',
        publicUrl === undefined ? 'latchkey' : `latchkey-${new URL(publicUrl).hostname}`,
      ),
      /** Only accounts that may use this server sign in; unset: every Plex account. */
      serverId: read.optionalText('PLEX_SERVER_ID'),
      /** The number of the account that owns the server; unset: not compared. */
      serverOwnerId: read.optionalText('PLEX_SERVER_OWNER_ID'),
      /** Whether clients may present Plex tokens, and whether those of accounts without access to a server are accepted. */
      acceptTokens: read.oneOf('PLEX_ACCEPT_TOKENS', ['false', 'true', 'any-application'], 'false'),
    },
    /** The accounts that must have a second factor. */
    requireSecondFactor: read.oneOf('REQUIRE_SECOND_FACTOR', ['none', 'admin', 'all'], 'none'),
    accounts: {
      /** Whether registration and updateMe reveal that an email address is taken. */
      revealTakenEmails: read.flag('REVEAL_TAKEN_EMAILS', true),
      /** Whether mailed codes sign people in. */
      emailLogin: read.flag('EMAIL_LOGIN', false),
      /** How long a deleted account can be restored. */
      restoreWindowMs: read.duration('RESTORE_WINDOW', '30d', '1h', '3650d'),
      bootstrapAdmin: read.pair('BOOTSTRAP_ADMIN_EMAIL', 'BOOTSTRAP_ADMIN_PASSWORD'),
    },
    auditRetentionMs: read.duration('AUDIT_RETENTION', '365d', '1d', '3650d'),
    /** Whether audit events are written to the log as well. */
    auditLog: read.flag('AUDIT_LOG', false),
    metrics: {
      /** Unset: `/metrics` is on the API's port. */
      port: read.port('METRICS_PORT'),
      /** The bearer token for `/metrics`; unset: no authentication. */
      token: read.secret('METRICS_TOKEN', false),
    },
    mail: {
      /** Unset: mail is printed to the log in development and discarded in production. */
      smtp: read.smtp('SMTP_URL', 'MAIL_FROM'),
      /** Base URL of mailed links; unset: PUBLIC_URL. */
      appUrl: read.url('APP_URL'),
    },
    scopes: read.scopes('EXTRA_SCOPES'),
    webauthn: {
      /** The domain of passkeys; unset: from PUBLIC_URL and APP_URL. */
      rpId: read.optionalText('WEBAUTHN_RP_ID'),
      /** Origins of the pages and Android apps that use passkeys; empty: those of PUBLIC_URL and APP_URL. */
      origins: read.passkeyOrigins('WEBAUTHN_ORIGINS'),
    },
    passwords: {
      minLength: read.integer('PASSWORD_MIN_LENGTH', 8, 8, 64),
      blocklist: read.flag('PASSWORD_BLOCKLIST', true),
      /** Unset: passwords are not checked against breaches. */
      breachedUrl: read.url('BREACHED_PASSWORD_URL'),
    },
    argon2: {
      memoryKib: read.integer('ARGON2_MEMORY_KIB', 19_456, 8, 4_194_304),
      timeCost: read.integer('ARGON2_TIME_COST', 2, 1, 100),
      parallelism: read.integer('ARGON2_PARALLELISM', 1, 1, 64),
      concurrency: read.integer('PASSWORD_HASH_CONCURRENCY', Math.max(1, availableParallelism() - 1), 1, 128),
      queue: read.integer('PASSWORD_HASH_QUEUE_SIZE', 100, 0, 100_000),
    },
    rateLimits: {
      anonymous: read.rate('RATE_LIMIT_ANONYMOUS', '100/15m'),
      authenticated: read.rate('RATE_LIMIT_AUTHENTICATED', '600/1m'),
      /** Failed attempts for one account from one network, and from one network over all accounts. */
      login: read.rate('RATE_LIMIT_LOGIN', '5/15m'),
      loginNetwork: read.rate('RATE_LIMIT_LOGIN_ADDRESS', '100/15m'),
      /** By root field; overrides `@rateLimit` in the schema. */
      fields: read.fieldRates('RATE_LIMIT_FIELDS'),
    },
    trustProxy: read.networks('TRUST_PROXY'),
    /** Whether to accept `X-Request-Id` from a trusted proxy. */
    trustRequestId: read.flag('TRUST_REQUEST_ID', false),
    /** Whether HSTS extends to the subdomains of PUBLIC_URL's host. */
    hstsIncludeSubdomains: read.flag('HSTS_INCLUDE_SUBDOMAINS', true),
    corsOrigins: read.origins('CORS_ORIGINS'),
    graphql: {
      maxDepth: read.integer('GRAPHQL_MAX_DEPTH', 10, 1, 100),
      maxAliases: read.integer('GRAPHQL_MAX_ALIASES', 15, 0, 1000),
      maxDirectives: read.integer('GRAPHQL_MAX_DIRECTIVES', 20, 0, 1000),
      maxTokens: read.integer('GRAPHQL_MAX_TOKENS', 300, 10, 100_000),
      maxNodes: read.integer('GRAPHQL_MAX_NODES', 270, 10, 100_000),
      maxRepetitions: read.integer('GRAPHQL_MAX_REPETITIONS', 20, 1, 1000),
      maxLength: read.integer('GRAPHQL_MAX_LENGTH', 8192, 100, 1_048_576),
      maxBodyBytes: read.integer('GRAPHQL_MAX_BODY', 32_768, 1024, 1_048_576),
      cacheEntries: read.integer('GRAPHQL_CACHE_ENTRIES', 500, 1, 100_000),
      /** The maximum number of rows that a document may read. */
      maxCost: read.integer('GRAPHQL_MAX_COST', 11_000, 100, 100_000_000),
      /** Automatic persisted queries (Apollo). */
      persistedQueries: read.flag('PERSISTED_QUERIES', true),
    },
    sockets: {
      max: read.integer('MAX_WEBSOCKETS', 10_000, 0, 1_000_000),
      /** Per IPv4 address or IPv6 /64. */
      maxPerNetwork: read.integer('MAX_WEBSOCKETS_PER_ADDRESS', 200, 0, 1_000_000),
      /** Per account, on each instance. */
      maxPerAccount: read.integer('MAX_WEBSOCKETS_PER_ACCOUNT', 50, 1, 1_000_000),
    },
    graphiql: read.flag('GRAPHIQL', !production),
    introspection: read.flag('INTROSPECTION', !production),
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    shutdownDelayMs: read.duration('SHUTDOWN_DELAY', production ? '5s' : '0s', '0s', '5m'),
    shutdownTimeoutMs: read.duration('SHUTDOWN_TIMEOUT', '10s', '1s', '10m'),
  };
}
