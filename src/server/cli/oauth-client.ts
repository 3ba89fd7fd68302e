/**
 * `npx latchkey oauth-client create`: creates an OAuth client for scripts, without an administrator's session. The embedded database
 * must not be in use. The command creates no database and no tables.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createAudit } from '../../audit/audit.js';
import { createScopeCatalogue } from '../../authz/scopes.js';
import { ConfigError, loadConfig, type Config } from '../../config/config.js';
import { hasEmbedded } from '../../db/embedded.js';
import { openDatabase } from '../../db/open.js';
import { systemClock as clock } from '../../lib/clock.js';
import { AppError } from '../../lib/errors.js';
import type { ClientAuthMethod, ClientGrantType, ClientType } from '../../oauth/clients/client.js';
import { createClientGrants } from '../../oauth/clients/grants.js';
import type { ClientInput } from '../../oauth/clients/input.js';
import { createOAuthClients, type ClientWithSecret } from '../../oauth/clients/service.js';
import { failureText } from '../start-failure.js';

const USAGE = `Usage: latchkey oauth-client create --name NAME [OPTION]...

  --name NAME                     shown to people
  --type TYPE                     confidential (default) or public
  --auth-method METHOD            client_secret (default), private_key_jwt or none
  --redirect-uri URI              may be repeated
  --post-logout-redirect-uri URI  may be repeated
  --backchannel-logout-uri URI    receives logout tokens
  --grant TYPE                    authorization_code, refresh_token, client_credentials or device_code; may be repeated
  --scope SCOPE                   may be repeated
  --jwks FILE                     the public keys of private_key_jwt, in JSON
  --service-account ID            the account of client_credentials; a new one by default
  --no-pkce                       a confidential client without PKCE
  --first-party                   needs no consent
  --may-introspect                introspects and revokes the tokens of other clients
  --json                          prints JSON
`;

const TYPES: readonly ClientType[] = ['CONFIDENTIAL', 'PUBLIC'];
const AUTH_METHODS: readonly ClientAuthMethod[] = ['CLIENT_SECRET', 'PRIVATE_KEY_JWT', 'NONE'];
const GRANTS: readonly ClientGrantType[] = ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'CLIENT_CREDENTIALS', 'DEVICE_CODE'];

/** An option or command that does not exist or has no such value. */
class UsageError extends Error {}

/** For the message of a failure. */
let config: Config | undefined;

function readArguments() {
  const many = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: process.argv.slice(3),
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      type: { type: 'string' },
      'auth-method': { type: 'string' },
      'redirect-uri': many,
      'post-logout-redirect-uri': many,
      'backchannel-logout-uri': { type: 'string' },
      grant: many,
      scope: many,
      jwks: { type: 'string' },
      'service-account': { type: 'string' },
      'no-pkce': flag,
      'first-party': flag,
      'may-introspect': flag,
      json: flag,
      help: flag,
    },
  });
  return { values, command: positionals.join(' ') };
}

type Values = ReturnType<typeof readArguments>['values'];

/** @throws UsageError */
function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === text.toUpperCase());
  if (found === undefined) throw new UsageError(`${option}: must be one of ${allowed.join(', ').toLowerCase()}`);
  return found;
}

/** @throws UsageError, SyntaxError, or a system error */
function readKeys(file: string): object {
  const keys: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof keys !== 'object' || keys === null) throw new UsageError('--jwks: must be a set of keys in JSON');
  return keys;
}

/** @throws UsageError for a value that is none of an option's, and what `readKeys` throws */
function inputOf(values: Values): ClientInput {
  const { type, grant, scope, jwks } = values;
  const method = values['auth-method'];
  return {
    name: values.name ?? '',
    type: type === undefined ? undefined : oneOf('--type', type, TYPES),
    authMethod: method === undefined ? undefined : oneOf('--auth-method', method, AUTH_METHODS),
    redirectUris: values['redirect-uri'],
    postLogoutRedirectUris: values['post-logout-redirect-uri'],
    backchannelLogoutUri: values['backchannel-logout-uri'],
    grantTypes: grant?.map((each) => oneOf('--grant', each, GRANTS)),
    scopes: scope,
    jwks: jwks === undefined ? undefined : readKeys(jwks),
    serviceAccountId: values['service-account'],
    requirePkce: values['no-pkce'] ? false : undefined,
    firstParty: values['first-party'],
    mayIntrospect: values['may-introspect'],
  };
}

async function create(values: Values): Promise<ClientWithSecret> {
  config = loadConfig();
  if (config.databaseUrl === undefined && !hasEmbedded(config.dataDir))
    throw new ConfigError([`DATABASE_URL, DATA_DIR: there is no database in ${config.dataDir}`]);
  const input = inputOf(values);
  const db = await openDatabase(config);
  try {
    // Nobody follows the events of a new client.
    const events = { publish: async () => undefined };
    const audit = createAudit({ db, clock, events, retentionMs: config.auditRetentionMs });
    const scopes = createScopeCatalogue(config.scopes);
    const clients = createOAuthClients({ db, clock, audit, scopes, grants: createClientGrants({ clock, audit }) });
    const client = { ipAddress: 'unknown', network: 'unknown', userAgent: 'latchkey oauth-client' };
    return await clients.create(input, { actorId: null, client });
  } finally {
    await db.close();
  }
}

async function main(): Promise<void> {
  const { values, command } = readArguments();
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  if (command !== 'create') throw new UsageError(`The command is: create\n\n${USAGE}`);
  const { client, secret } = await create(values);
  const lines = [`client_id: ${client.id}`, ...(secret === null ? [] : [`client_secret: ${secret}`])];
  const json = { client_id: client.id, ...(secret === null ? {} : { client_secret: secret }) };
  process.stdout.write(values.json ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`);
}

/** The text for standard error. Names every refused option. */
function failure(error: unknown): string {
  if (error instanceof AppError && error.details.details)
    return error.details.details.map(({ field, message }) => `${field}: ${message}`).join('\n');
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (isUsage || error instanceof UsageError || error instanceof SyntaxError) return error.message;
  return failureText(error, config, 'The client cannot be created');
}

main().catch((error: unknown) => {
  process.stderr.write(`${failure(error)}\n`);
  process.exitCode = 1;
});
