/**
 * What a failed password counts against (OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B-4 section 3.2.2). Pure.
 *
 * Waits are counted by what was typed and the networks it came from, so that their answers are the same for every
 * spelling and for unknown accounts: they do not tell which username belongs to which e-mail address. The ceiling is
 * counted by account, from everywhere; when it is reached the answer is that for a wrong password.
 */
import { createHash } from 'node:crypto';
import { clientNetworks } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Rate } from '../config/readers.js';

/** Whose password is tried. */
export interface AttemptSubject {
  /** Null where nobody has the name: it is counted all the same, so that nothing tells the two apart. */
  readonly userId: string | null;
  /** What was typed, normalised; both names of the account where a session makes the attempt. */
  readonly names: readonly string[];
  /** The session that makes the attempt; left out for a login. */
  readonly sessionId?: string | undefined;
}

/** How failures turn into a wait. All in milliseconds. */
export interface AttemptLimits {
  /** Failures that cost nothing. */
  readonly max: number;
  /** How long failures are remembered after the last one. */
  readonly windowMs: number;
  /** The wait after the last free failure; each further one doubles it. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export interface Counter extends AttemptLimits {
  /** Hashed: people type passwords into the wrong field. */
  readonly key: string;
}

export interface Counters {
  /** While one of them waits, the attempt is refused with that wait. */
  readonly waits: readonly Counter[];
  /** While it waits, the attempt fails whatever the password is. */
  readonly ceiling: Counter;
}

/** NIST SP 800-63B-4 section 3.2.2: at most 100 consecutive failures. */
export const MAX_ACCOUNT_FAILURES = 100;
/** What a stolen session, or a stolen device cookie, may guess. */
export const MAX_HOLDER_FAILURES = 20;
const FIRST_DELAY_MS = 30_000;
const MAX_DELAY_MS = 900_000;
const YEAR_MS = 365 * 86_400_000;
/** Room by network, the narrowest first: an IPv6 /64, /56 and /48; an IPv4 address and its /24 have the first and last. */
const SHARES = [1, 2, 4] as const;

/** The networks of a client, with how many times the room of an address each has. */
export function sharesOf(ipAddress: string): readonly { readonly network: string; readonly share: number }[] {
  const networks = clientNetworks(ipAddress);
  return networks.map((network, index) => ({
    network,
    share: index === networks.length - 1 && index > 0 ? SHARES[2] : SHARES[index]!,
  }));
}

/** @param account RATE_LIMIT_LOGIN, of an address */
export function countersOf(subject: AttemptSubject, client: ClientInfo, account: Rate): Counters {
  const waiting = (key: string, share = 1): Counter => ({
    key,
    max: account.max * share,
    windowMs: account.windowMs,
    firstDelayMs: FIRST_DELAY_MS,
    maxDelayMs: MAX_DELAY_MS,
  });
  return {
    waits: waitKeys(subject, client).map(({ key, share }) => waiting(key, share)),
    ceiling: ceilingOf(subject),
  };
}

/** A device that the account signed in from: strangers cannot use its budget up. */
export function deviceCounters(userId: string, device: string, account: Rate): Counters {
  const limits = { ...account, firstDelayMs: FIRST_DELAY_MS, maxDelayMs: MAX_DELAY_MS };
  return {
    waits: [{ key: hashOf('device wait', userId, device), ...limits }],
    ceiling: lasting(hashOf('device', userId, device), MAX_HOLDER_FAILURES),
  };
}

/** The keys that a proven password of an account clears, for what was typed and where it came from. */
export function waitKeys({ names }: Pick<AttemptSubject, 'names'>, { ipAddress }: Pick<ClientInfo, 'ipAddress'>) {
  const shares = sharesOf(ipAddress);
  return names.flatMap((name) =>
    shares.map(({ network, share }) => ({ key: `${hashOf('name', name)}|${network}`, share })),
  );
}

/** The key of an account's ceiling. */
export function accountKey(userId: string): string {
  return hashOf('account', userId);
}

function ceilingOf({ userId, names, sessionId }: AttemptSubject): Counter {
  if (sessionId !== undefined) return lasting(hashOf('session', sessionId), MAX_HOLDER_FAILURES);
  if (userId !== null) return lasting(accountKey(userId), MAX_ACCOUNT_FAILURES);
  // As much work as for an account, without a row that stays.
  const limits = { windowMs: MAX_DELAY_MS, firstDelayMs: MAX_DELAY_MS, maxDelayMs: MAX_DELAY_MS };
  return { key: hashOf('nobody', ...names), max: MAX_ACCOUNT_FAILURES, ...limits };
}

function lasting(key: string, max: number): Counter {
  return { key, max, windowMs: YEAR_MS, firstDelayMs: YEAR_MS, maxDelayMs: YEAR_MS };
}

function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('|')).digest('base64url');
}
