/** Parses environment variables that contain URLs. Error messages never include a value that may contain a password. */
import { DatabaseUrlError, parseDatabaseUrl } from './database-url.js';

/** A placeholder for an invalid URL. */
const NO_URL = { protocol: '', origin: '', pathname: '' } as const;
/** Segments that need no encoding and mean nothing to URLs, cookies or routers. */
const PLAIN_PATH = /^(?:\/[\w~-]+(?:\.[\w~-]+)*)*$/;
/** The server's own paths. As a prefix, they would be ambiguous behind a proxy that strips the prefix. */
const OWN_PATHS: ReadonlySet<string | undefined> = new Set([
  'graphql',
  'graphiql',
  '.well-known',
  'healthz',
  'readyz',
  'metrics',
  'reset-password',
  'verify-email',
  'cancel-email-change',
  'email-code',
  'identities',
  'oauth',
  'device',
]);

/** Quotes a refused value for an error, unless it may contain a password, such as a URL with user information. */
export const quoted = (value: string): string => (value.includes('@') || value.length > 200 ? 'another value' : value);

const ENCODING_HINT =
  '; write special characters of the user name and password percent-encoded (%40 for @, %2F for /, %23 for #, %25 for %)';

/**
 * Whether user name and password are percent-encoded: an unencoded `@`, `/`, `?`, `#` or `%` changes what the parts of the
 * URL are, or cannot be decoded.
 */
function isEncoded(value: string): boolean {
  if (/%(?![\da-f]{2})/i.test(value) || value.split('@').length > 2) return false;
  const { username, password, search, hash } = new URL(value);
  try {
    decodeURIComponent(username + password);
    // In a query, an `@` is the rest of a password.
    return hash === '' && !search.includes('@');
  } catch {
    return false;
  }
}

/** `smtp://` or `smtps://` with a host; settings of nodemailer may follow as a query. */
function isMailServer(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, pathname } = new URL(value);
  const isServer = ['smtp:', 'smtps:'].includes(protocol) && hostname !== '' && /^\/?$/.test(pathname);
  return isServer && isEncoded(value);
}

/** A URL without slashes at its end. */
function withoutSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}

export interface UrlReaderContext {
  /** The variable's value without white space around it; undefined if that is empty. */
  raw(name: string): string | undefined;
  /** Notes that a value is not as expected. */
  report<T>(name: string, expected: string, fallback: T): T;
  /** Two settings that must be set together. */
  pair(first: string, second: string): readonly [string, string] | undefined;
}

/** The readers of URLs over one environment. */
export function urlReaders({ raw, report, pair }: UrlReaderContext) {
  return {
    /** The URL as text; opening the database parses it again. */
    databaseUrl(name: string): string | undefined {
      const value = raw(name);
      if (value === undefined) return undefined;
      try {
        parseDatabaseUrl(value);
        return value;
      } catch (error) {
        if (error instanceof DatabaseUrlError) return report(name, error.message, undefined);
        throw error;
      }
    },

    redisUrl(name: string): string | undefined {
      const value = raw(name);
      if (value === undefined) return undefined;
      const url = URL.canParse(value) ? new URL(value) : undefined;
      const known =
        url && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname && /^\/?\d*$/.test(url.pathname);
      if (known && isEncoded(value)) return value;
      return report(name, `redis://user:password@host:port/number or rediss://…${ENCODING_HINT}`, undefined);
    },

    /** An origin with an optional path, without a trailing slash. */
    publicUrl(name: string, required: boolean): string | undefined {
      const value = raw(name);
      if (value === undefined) return required ? report(name, 'to be set in production', undefined) : undefined;
      const { protocol, origin, pathname } = URL.canParse(value) ? new URL(value) : NO_URL;
      const path = pathname.replace(/\/$/, '');
      const address = `${origin}${path}`;
      const isPlain = ['http:', 'https:'].includes(protocol) && PLAIN_PATH.test(path);
      if (!isPlain || value.replace(/\/$/, '') !== address)
        return report(
          name,
          `an address such as https://auth.example.com or https://example.com/auth, got ${quoted(value)}`,
          undefined,
        );
      return OWN_PATHS.has(path.split('/')[1])
        ? report(name, `a path that does not begin with one of the service's own, got ${path}`, undefined)
        : address;
    },

    /** An http or https URL with an optional path, without a trailing slash. */
    url(name: string): string | undefined {
      const value = raw(name);
      if (value === undefined) return undefined;
      const url = URL.canParse(value) ? new URL(value) : undefined;
      const plain = url && ['http:', 'https:'].includes(url.protocol) && !/[?#]/.test(value) && !url.username;
      return plain
        ? withoutSlashes(url.href)
        : report(name, 'an address such as https://app.example.com/account', undefined);
    },

    /** The mail server and the sender: both or neither. */
    smtp(name: string, fromName: string): { readonly url: string; readonly from: string } | undefined {
      const values = pair(name, fromName);
      if (values === undefined) return undefined;
      const [url, from] = values;
      if (!isMailServer(url))
        return report(name, `smtp://user:password@host:587 or smtps://…${ENCODING_HINT}`, undefined);
      if (!/^[^\r\n]*[^\s<>@]@[^\s<>@]+>?$/.test(from))
        return report(fromName, 'an address such as Example <no-reply@example.com>', undefined);
      return { url, from };
    },
  };
}
