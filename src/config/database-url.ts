/**
 * Parses DATABASE_URL as libpq does (PostgreSQL, "Connection URIs"), including parameters of hosted services and other clients.
 * postgres.js gets the parts as options and never sees the URL.
 */
import { isIP } from 'node:net';
import { readTls, type Tls } from './database-tls.js';

/** One server: a TCP address or the path of a Unix socket. */
export interface Host {
  readonly host: string;
  readonly port: number;
  /** The socket's file; undefined for TCP. */
  readonly path: string | undefined;
}

export interface DatabaseAddress {
  /** Tried in this order. */
  readonly hosts: readonly Host[];
  /** Undefined: PGUSER or the system user, as for psql. */
  readonly user: string | undefined;
  /** Undefined: PGPASSWORD. */
  readonly password: string | undefined;
  /** Undefined: PGDATABASE or the user name. */
  readonly database: string | undefined;
  readonly tls: Tls;
  /** Whether the URL declares a pooler (`pgbouncer=true`). */
  readonly pooler: boolean;
  /** Session settings for the startup message. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The URL is invalid. The message completes "expected …" and contains no password. */
export class DatabaseUrlError extends Error {
  override readonly name = 'DatabaseUrlError';
}

const SHAPE = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;
const FORM = 'postgres://user:password@host:port/database';
const ENCODING = `${FORM} with every % @ : / ? # of the user name and password percent-encoded (% is written %25)`;
const SCHEMA = 'no schema other than public, where the tables are; use a database of its own instead';
const DEFAULT_PORT = 5432;

/**
 * Ignored parameters of other clients: pool sizes and timeouts have their own settings; GSSAPI, compression and channel binding are
 * not supported. `readTls` reads the TLS parameters.
 */
const IGNORED = new Set(
  (
    'connection_limit pool_timeout pool_size max_connections connect_timeout socket_timeout statement_cache_size ' +
    'prepared_statements prepare_threshold preparethreshold single_use_connections max_idle_connection_lifetime ' +
    'keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout load_balance_hosts gssencmode ' +
    'krbsrvname gsslib require_auth replication passfile client_encoding fallback_application_name uselibpqcompat ' +
    'workaround pgbouncer host hostaddr port user password dbname schema currentschema target_session_attrs'
  ).split(' '),
);

/** @throws DatabaseUrlError if the URL is invalid or a file that it names cannot be read */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const [, authority = '', path = '', query = ''] = SHAPE.exec(unquoted(text)) ?? refuse(text);
  if (/[@/]/.test(path)) throw new DatabaseUrlError(ENCODING);
  const parameters = readParameters(query);
  const at = authority.lastIndexOf('@');
  const [user, password] = at === -1 ? [] : readCredentials(authority.slice(0, at));
  const hosts = readHosts(authority.slice(at + 1), parameters);
  checkSession(parameters);
  const local = hosts.every(isLocal);
  const { tls, rest } = readTls(parameters, local, (expected) => {
    throw new DatabaseUrlError(expected);
  });
  return {
    hosts,
    user: parameters.get('user') ?? (user || undefined),
    password: parameters.get('password') ?? (password || undefined),
    database: parameters.get('dbname') ?? (decode(path) || undefined),
    tls,
    pooler: parameters.get('pgbouncer') === 'true',
    settings: Object.fromEntries([...rest].filter(([name]) => !IGNORED.has(name.toLowerCase()))),
  };
}

/** Whether the server is on this machine, so that no network is between. */
export function isLocal({ host, path }: Host): boolean {
  return path !== undefined || host === 'localhost' || host === '::1' || /^127\./.test(isIP(host) === 4 ? host : '');
}

/** A `.env` file's quotes reach the process where the reader of the file keeps them. */
function unquoted(text: string): string {
  return /^(['"])(.*)\1$/.exec(text)?.[2] ?? text;
}

function refuse(text: string): never {
  throw new DatabaseUrlError(/^['"]?postgres(?:ql)?:\/\//i.test(text) ? ENCODING : FORM);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseUrlError(ENCODING);
  }
}

function readCredentials(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  return colon === -1 ? [decode(text), ''] : [decode(text.slice(0, colon)), decode(text.slice(colon + 1))];
}

function readParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&').filter(Boolean)) {
    const [name = '', ...value] = part.split('=');
    parameters.set(decode(name), decode(value.join('=')));
  }
  return parameters;
}

/** `host` and `port` among the parameters take precedence, as in libpq. */
function readHosts(list: string, parameters: ReadonlyMap<string, string>): readonly Host[] {
  const named = parameters.get('host') ?? parameters.get('hostaddr');
  const ports = (parameters.get('port') ?? '').split(',');
  const entries =
    named === undefined
      ? list.split(',').map(readHost)
      : named.split(',').map((host) => ({ host, port: readHost(list).port }));
  return entries.map(({ host, port }, index) => {
    const own = ports[index] ?? ports[0];
    const number = own ? readPort(own) : (port ?? DEFAULT_PORT);
    const path = host.startsWith('/') ? `${host.replace(/\/$/, '')}/.s.PGSQL.${number}` : undefined;
    return { host: host || 'localhost', port: number, path };
  });
}

function readHost(entry: string): { readonly host: string; readonly port: number | undefined } {
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(entry) ?? [];
  if (host === undefined) throw new DatabaseUrlError(ENCODING);
  const name = decode(host.replace(/^\[(.*)\]$/, '$1'));
  // A password with an unencoded separator leaves an invalid host name.
  if (!/^(?:\/.*|[\w.:%-]*)$/.test(name)) throw new DatabaseUrlError(ENCODING);
  return { host: name, port: port ? readPort(port) : undefined };
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new DatabaseUrlError(ENCODING);
  return port;
}

/** Rejects other schemas and read-only servers: the tables are in the schema public, and Latchkey writes. */
function checkSession(parameters: ReadonlyMap<string, string>): void {
  const schema = parameters.get('schema') ?? parameters.get('currentSchema') ?? parameters.get('search_path');
  if (schema !== undefined && schema !== 'public') throw new DatabaseUrlError(SCHEMA);
  if (/search_path\s*=\s*(?!public\b)/.test(parameters.get('options') ?? '')) throw new DatabaseUrlError(SCHEMA);
  if (/standby|read-only/.test(parameters.get('target_session_attrs') ?? ''))
    throw new DatabaseUrlError('target_session_attrs to be left out or read-write: the server has to accept writes');
}
