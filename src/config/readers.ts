/** Parses environment variables. Collects issues instead of throwing. */
import { isIP, isIPv6 } from 'node:net';
import { SCOPE_TOKEN, type DeclaredScopes } from '../authz/scopes.js';
import { identityReaders } from './identities.js';
import { isAndroidApp } from './relying-party.js';
import { quoted, urlReaders } from './urls.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A rate limit: `max` per `windowMs`. */
export interface Rate {
  readonly max: number;
  readonly windowMs: number;
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const MIN_SECRET_BYTES = 32;
/** Placeholders from examples, which production refuses at any length. */
const PLACEHOLDER = /change[-_ ]?me|example|placeholder|your[-_ ]?secret|development/i;
/** A random secret of 32 digits has fewer once in a million; `abcabc…` has three. */
const MIN_DISTINCT = 6;
const isTrivial = (secret: string): boolean => PLACEHOLDER.test(secret) || new Set(secret).size < MIN_DISTINCT;

/** A duration such as `15m` in milliseconds, or undefined. Units: ms, s, m, h, d. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** A rate such as `100/15m`, or undefined. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d{1,9})\/(\w+)$/.exec(text);
  const max = Number(match?.[1]);
  const windowMs = parseDuration(match?.[2] ?? '');
  return max >= 1 && windowMs !== undefined && windowMs >= 1000 ? { max, windowMs } : undefined;
}

/** Wildcard addresses, and the loopback address for each. */
const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** The origin of a server that listens on a host and port, e.g. `http://[::1]:3000`; undefined for an invalid host. */
export function originOf(host: string, port: number): string | undefined {
  const name = WILDCARDS[host] ?? host;
  // URLs cannot contain a zone id (RFC 9844).
  const url = `http://${isIPv6(name) ? `[${name.replace(/%.*/, '')}]` : name}:${port}`;
  return URL.canParse(url) && !/[/@:?#]/.test(isIPv6(name) ? '' : name) ? new URL(url).origin : undefined;
}

/** The origins of a server on a loopback address for browsers on the same machine; none if PUBLIC_URL is set. */
export function loopbackOrigins({ publicUrl, host, port }: Listening): readonly string[] {
  if (publicUrl !== undefined || !LOOPBACK.includes(host)) return [];
  return LOOPBACK.map((name) => originOf(name, port)!);
}

interface Listening {
  readonly publicUrl: string | undefined;
  readonly host: string;
  readonly port: number;
}

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

export type Readers = ReturnType<typeof readers>;

/**
 * Creates the readers for an environment. They collect issues and warnings.
 * @param prepared values that take precedence over the environment, and earlier issues
 */
export function readers(
  env: Environment,
  prepared: { readonly overrides: Environment; readonly issues: readonly string[] },
) {
  const issues: string[] = [...prepared.issues];
  const warnings: string[] = [];
  const names = new Set<string>();
  const raw = (name: string): string | undefined => {
    names.add(name);
    return (prepared.overrides[name] ?? env[name])?.trim() || undefined;
  };
  const report = <T>(name: string, expected: string, fallback: T): T => {
    issues.push(`${name}: expected ${expected}`);
    return fallback;
  };
  const list = (name: string): string[] =>
    (raw(name) ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean);

  /** Issues never contain the secret's value. */
  const checkSecret = (name: string, value: string, production: boolean): string => {
    if (Buffer.byteLength(value) < MIN_SECRET_BYTES) return report(name, `at least ${MIN_SECRET_BYTES} bytes`, value);
    if (!isTrivial(value)) return value;
    if (production) return report(name, 'a random value, not a placeholder', value);
    warnings.push(`${name} is a placeholder that production refuses; use a random value`);
    return value;
  };
  const production = raw('NODE_ENV') === 'production';

  const origin = (name: string, value: string): string => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    const exact = url && ['http:', 'https:'].includes(url.protocol) && value.replace(/\/$/, '') === url.origin;
    return exact
      ? url.origin
      : report(name, `an exact origin such as https://auth.example.com, got ${quoted(value)}`, value);
  };

  /** Two settings that must be set together. */
  const pair = (first: string, second: string): readonly [string, string] | undefined => {
    const [a, b] = [raw(first), raw(second)];
    if (a !== undefined && b !== undefined) return [a, b];
    if (a === undefined && b === undefined) return undefined;
    return report(a === undefined ? first : second, `to be set with ${a === undefined ? second : first}`, undefined);
  };

  return {
    /** The names of the settings that have been read. */
    names: names as ReadonlySet<string>,
    issues: issues as readonly string[],
    warnings: warnings as readonly string[],
    report,
    text: (name: string, fallback: string): string => raw(name) ?? fallback,
    optionalText: (name: string): string | undefined => raw(name),

    matching(name: string, pattern: RegExp, expected: string, fallback: string): string {
      const value = raw(name) ?? fallback;
      return pattern.test(value) ? value : report(name, expected, fallback);
    },

    /** Without the brackets of a URL. */
    host(name: string, fallback: string): string {
      const value = (raw(name) ?? fallback).replace(/^\[(.*)\]$/, '$1');
      return originOf(value, 0) === undefined
        ? report(name, `an address or a host name such as 127.0.0.1, ::1 or localhost, got ${quoted(value)}`, fallback)
        : value;
    },

    oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: T): T {
      const value = raw(name) ?? fallback;
      return allowed.find((item) => item === value) ?? report(name, `one of ${allowed.join(', ')}`, fallback);
    },

    integer(name: string, fallback: number, min: number, max: number): number {
      const value = raw(name);
      if (value === undefined) return fallback;
      const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? number : report(name, `a whole number from ${min} to ${max}`, fallback);
    },

    /** 0 lets the operating system choose a port; undefined if unset. */
    port(name: string): number | undefined {
      return raw(name) === undefined ? undefined : this.integer(name, 0, 0, 65_535);
    },

    flag(name: string, fallback: boolean): boolean {
      const value = raw(name)?.toLowerCase();
      if (value === undefined) return fallback;
      if (['true', 'on', '1', 'yes'].includes(value)) return true;
      if (['false', 'off', '0', 'no'].includes(value)) return false;
      return report(name, 'true or false', fallback);
    },

    /** Milliseconds; undefined when unset. */
    optionalDuration(name: string, min: string, max: string): number | undefined {
      return raw(name) === undefined ? undefined : this.duration(name, min, min, max);
    },

    /** Milliseconds. */
    duration(name: string, fallback: string, min: string, max: string): number {
      const value = parseDuration(raw(name) ?? fallback);
      const within = value !== undefined && value >= parseDuration(min)! && value <= parseDuration(max)!;
      return within
        ? value
        : report(name, `a duration from ${min} to ${max}, such as 15m (s, m, h, d)`, parseDuration(fallback)!);
    },

    rate(name: string, fallback: string): Rate {
      return parseRate(raw(name) ?? fallback) ?? report(name, 'a rate such as 100/15m', parseRate(fallback)!);
    },

    /** `register=1000/15m,refresh=100/1m` */
    fieldRates(name: string): ReadonlyMap<string, Rate> {
      const rates = new Map<string, Rate>();
      for (const part of list(name)) {
        const [field, rate] = part.split('=');
        const parsed = parseRate(rate ?? '');
        if (field && parsed) rates.set(field, parsed);
        else report(name, `field=rate pairs such as register=1000/15m, got ${quoted(part)}`, undefined);
      }
      return rates;
    },

    /** `reports:read` for every account, `reports:write=ADMIN` for administrators. */
    scopes(name: string): DeclaredScopes {
      const declared = { USER: [] as string[], ADMIN: [] as string[] };
      for (const part of list(name)) {
        const [scope = '', role = 'USER'] = part.split('=');
        if (SCOPE_TOKEN.test(scope) && (role === 'USER' || role === 'ADMIN')) declared[role].push(scope);
        else report(name, `scopes such as reports:read or reports:write=ADMIN, got ${quoted(part)}`, undefined);
      }
      return declared;
    },

    ...urlReaders({ raw, report, pair }),
    ...identityReaders({ raw, list, origin, report }),
    pair,

    origins: (name: string): readonly string[] => list(name).map((value) => origin(name, value)),

    /** Origins of pages, and of Android apps, which have the form `android:apk-key-hash:…`. */
    passkeyOrigins: (name: string): readonly string[] =>
      list(name).map((value) => {
        if (!value.startsWith('android:')) return origin(name, value);
        return isAndroidApp(value)
          ? value
          : report(name, `android:apk-key-hash: and 43 characters of base64url, got ${quoted(value)}`, value);
      }),

    /** Addresses and CIDR networks, e.g. `10.0.0.0/8, ::1`. */
    networks(name: string): readonly string[] {
      const networks = list(name);
      for (const network of networks) {
        const [address = '', prefix, extra] = network.split('/');
        const family = isIP(address);
        const bits = prefix === undefined ? 1 : /^\d{1,3}$/.test(prefix) ? Number(prefix) : 0;
        if (family === 0 || extra !== undefined || bits < 1 || bits > (family === 4 ? 32 : 128)) {
          report(name, `addresses or networks such as 10.0.0.0/8, got ${quoted(network)}`, undefined);
        }
      }
      return networks;
    },

    secret(name: string, required: boolean): string | undefined {
      const value = raw(name);
      if (value !== undefined) return checkSecret(name, value, production);
      return required ? report(name, `to be set (at least ${MIN_SECRET_BYTES} bytes)`, undefined) : undefined;
    },

    /** The first is current, the others are still accepted. Empty: a secret is generated (development only). */
    secrets(name: string, required: boolean): readonly string[] {
      const values = list(name).map((value) => checkSecret(name, value, production));
      if (values.length === 0 && required)
        report(name, `to be set in production (at least ${MIN_SECRET_BYTES} bytes)`, undefined);
      return values;
    },
  };
}
