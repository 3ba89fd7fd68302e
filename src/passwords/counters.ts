/**
 * Selects the counters of a failed password (OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B-4 section 3.2.2). Pure functions.
 *
 * Waits are counted by identifier and client network. Their responses are the same for every spelling and for unknown
 * accounts, so they do not reveal which username belongs to which email address. The ceiling is counted by account across all
 * networks; above it, the response is the one for a wrong password.
 */
import { createHash } from 'node:crypto';
import { clientNetworks } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Rate } from '../config/readers.js';

/** The account of an attempt. */
export interface AttemptSubject {
  /** Null for an unknown identifier, which is counted in the same way. */
  readonly userId: string | null;
  /** The entered identifier, normalised; for an attempt in a session, both identifiers of the account. */
  readonly names: readonly string[];
  /** The session of the attempt; left out for a login. */
  readonly sessionId?: string | undefined;
  /** Whether it is the second step of a sign-in, which has a ceiling of its own: strangers cannot reach it. */
  readonly isSecondStep?: boolean;
}

/** The parameters of the exponential delay. Durations in milliseconds. */
export interface AttemptLimits {
  /** The number of failures that starts the first wait. */
  readonly max: number;
  /** How long failures are kept after the last one. */
  readonly windowMs: number;
  /** The first wait. Each further failure doubles it. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export interface Counter extends AttemptLimits {
  /** Hashed, because users enter passwords into the wrong field. */
  readonly key: string;
}

export interface Counters {
  /** During a wait of any of them, the attempt is rejected with `retryAfter`. */
  readonly waits: readonly Counter[];
  /** Above it, the attempt fails even with the right password. */
  readonly ceiling: Counter;
}

/** NIST SP 800-63B-4 section 3.2.2: at most 100 consecutive failures. */
export const MAX_ACCOUNT_FAILURES = 100;
/** The maximum number of guesses with a stolen session or a stolen device cookie. */
export const MAX_HOLDER_FAILURES = 20;
const FIRST_DELAY_MS = 30_000;
const MAX_DELAY_MS = 900_000;
const YEAR_MS = 365 * 86_400_000;
/** Multipliers by network, narrowest first: IPv6 /64, /56 and /48. An IPv4 address and its /24 use the first and the last. */
const SHARES = [1, 2, 4] as const;

/** The networks of a client with the multiplier of each. */
export function sharesOf(ipAddress: string): readonly { readonly network: string; readonly share: number }[] {
  const networks = clientNetworks(ipAddress);
  return networks.map((network, index) => ({
    network,
    share: index === networks.length - 1 && index > 0 ? SHARES[2] : SHARES[index]!,
  }));
}

/** @param account RATE_LIMIT_LOGIN */
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

/** The counters of a known device. Other clients cannot exhaust them. */
export function deviceCounters(userId: string, device: string, account: Rate): Counters {
  const limits = { ...account, firstDelayMs: FIRST_DELAY_MS, maxDelayMs: MAX_DELAY_MS };
  return {
    waits: [{ key: hashOf('device wait', userId, device), ...limits }],
    ceiling: lasting(hashOf('device', userId, device), MAX_HOLDER_FAILURES),
  };
}

/** The wait counters of the identifiers and the client, which a verified password resets. */
export function waitKeys({ names }: Pick<AttemptSubject, 'names'>, { ipAddress }: Pick<ClientInfo, 'ipAddress'>) {
  const shares = sharesOf(ipAddress);
  return names.flatMap((name) =>
    shares.map(({ network, share }) => ({ key: `${hashOf('name', name)}|${network}`, share })),
  );
}

/** The key of an account's ceiling counter. */
export function accountKey(userId: string): string {
  return hashOf('account', userId);
}

/** The keys of the ceilings that an account has, for its password and for its second factors. */
export function ceilingKeys(userId: string): readonly string[] {
  return [accountKey(userId), secondStepKey(userId)];
}

function secondStepKey(userId: string): string {
  return hashOf('second step', userId);
}

function ceilingOf({ userId, names, sessionId, isSecondStep }: AttemptSubject): Counter {
  if (isSecondStep && userId !== null) return lasting(secondStepKey(userId), MAX_ACCOUNT_FAILURES);
  if (sessionId !== undefined) return lasting(hashOf('session', sessionId), MAX_HOLDER_FAILURES);
  if (userId !== null) return lasting(accountKey(userId), MAX_ACCOUNT_FAILURES);
  // The same work as for an account, but the row expires soon.
  const limits = { windowMs: MAX_DELAY_MS, firstDelayMs: MAX_DELAY_MS, maxDelayMs: MAX_DELAY_MS };
  return { key: hashOf('nobody', ...names), max: MAX_ACCOUNT_FAILURES, ...limits };
}

function lasting(key: string, max: number): Counter {
  return { key, max, windowMs: YEAR_MS, firstDelayMs: YEAR_MS, maxDelayMs: YEAR_MS };
}

function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('|')).digest('base64url');
}
