/** Usernames for accounts that a sign-in at a provider creates. */
import { randomInt } from 'node:crypto';
import type { IdentityProfile } from './provider.js';
import { cleanUsername, usernameError } from '../users/identifiers.js';

const MAX_LENGTH = 32;
const DIGITS = 6;
/** Everything that a username cannot contain. */
const FOREIGN = /[^\p{L}\p{M}\p{Nd}._-]+/gu;
const LEADING = /^[^\p{L}\p{Nd}]+/u;
const FALLBACK = 'user';

/**
 * The username that fits the person best, in valid form: of the provider's username, the display name and the local part of the
 * email address, the first that can be made one. Whether it is free is not checked.
 */
export function suggestUsername({ username, displayName, email }: Suggestions): string {
  const sources = [username, displayName, email?.split('@')[0]];
  const names = sources.map((source) => (source == null ? '' : fit(source)));
  return names.find((name) => usernameError(name) === undefined) ?? FALLBACK;
}

export type Suggestions = Pick<IdentityProfile, 'username' | 'displayName' | 'email'>;

/** The name with random digits, for when it is taken. */
export function withDigits(name: string): string {
  const base = [...name].slice(0, MAX_LENGTH - DIGITS - 1).join('');
  return `${base}-${randomInt(10 ** DIGITS)
    .toString()
    .padStart(DIGITS, '0')}`;
}

function fit(source: string): string {
  const plain = cleanUsername(source.slice(0, 4 * MAX_LENGTH))
    .replace(FOREIGN, '-')
    .replace(LEADING, '');
  return [...plain].slice(0, MAX_LENGTH).join('');
}
