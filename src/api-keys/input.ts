/** Validates the input of a new API key. */
import { parseDuration } from '../config/readers.js';
import { validationError } from '../lib/errors.js';
import { checkDisplayName, createFieldErrors } from '../users/input.js';
import { parseNetwork } from './networks.js';

export interface ApiKeyInput {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Null or left out: the key does not expire. */
  readonly expiresAt?: Date | null | undefined;
  /** In CIDR notation. Null, left out or empty: all. */
  readonly networks?: readonly string[] | null | undefined;
}

/** The stored values of a valid input. */
export interface CheckedKeyInput {
  readonly name: string;
  readonly scopes: string[];
  readonly expiresAt: Date | null;
  readonly networks: string[];
}

const MAX_NETWORKS = 32;
const MAX_SCOPES = 100;
const DAY_MS = 86_400_000;
const MAX_LIFETIME_DAYS = 3650;
const MAX_OVERLAP_MS = 30 * DAY_MS;

/**
 * Checks the input of a new key.
 * @param allowed the scopes that the key may have
 * @param now in milliseconds
 * @throws AppError VALIDATION_ERROR with every error
 */
export function checkKeyInput(input: ApiKeyInput, allowed: ReadonlySet<string>, now: number): CheckedKeyInput {
  const errors = createFieldErrors();
  const name = errors.take('name', checkDisplayName(input.name));
  const scopes = [...new Set(input.scopes)];
  if (scopes.length === 0) errors.add('scopes', 'must not be empty');
  if (scopes.length > MAX_SCOPES || scopes.some((scope) => !allowed.has(scope)))
    errors.add('scopes', `must be among ${[...allowed].join(' ') || 'none'}`);
  const expiresAt = input.expiresAt ?? null;
  if (expiresAt !== null && !(expiresAt.getTime() > now && expiresAt.getTime() <= now + MAX_LIFETIME_DAYS * DAY_MS))
    errors.add('expiresAt', `must be in the future, and within ${MAX_LIFETIME_DAYS} days`);
  const networks = (input.networks ?? []).slice(0, MAX_NETWORKS + 1).map(parseNetwork);
  if (networks.length > MAX_NETWORKS) errors.add('networks', `must be at most ${MAX_NETWORKS}`);
  if (networks.includes(undefined))
    errors.add('networks', 'must be addresses or networks such as 192.0.2.0/24 or 2001:db8::/32');
  if (name === undefined || errors.all.length > 0) throw validationError(errors.all);
  return { name, scopes, expiresAt, networks: [...new Set(networks.filter((network) => network !== undefined))] };
}

/** The overlap of a rotation in milliseconds. @throws AppError VALIDATION_ERROR */
export function checkOverlap(text: string): number {
  const overlapMs = parseDuration(text);
  if (overlapMs !== undefined && overlapMs <= MAX_OVERLAP_MS) return overlapMs;
  throw validationError([{ field: 'overlap', message: 'must be a duration such as 1h, at most 30d' }]);
}
