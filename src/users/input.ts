/** Validates the profile fields. Each check returns the value to store or an error message. */
import { validationError, type FieldError } from '../lib/errors.js';
import type { PasswordPolicy } from '../passwords/policy.js';
import type { AccountRecord } from './account.js';
import { cleanDisplayName, displayNameError } from './display-name.js';
import { cleanEmail, cleanUsername, emailError, usernameError } from './identifiers.js';

/** The value to store, or an error message for the field. */
export type Checked<T> = { readonly error: string } | { readonly value: T };

const MAX_URL = 2048;
const MAX_LANGUAGE = 35;

/** As in `identifiers.ts`. */
export function checkEmail(email: string): Checked<string> {
  const error = emailError(email);
  return error === undefined ? { value: cleanEmail(email) } : { error };
}

/** As in `identifiers.ts`. */
export function checkUsername(username: string): Checked<string> {
  const error = usernameError(username);
  return error === undefined ? { value: cleanUsername(username) } : { error };
}

/** Whether the input changes the email address or username. Invalid values do not count; validation rejects them. */
export function changesIdentifiers(
  { email, username }: AccountRecord,
  input: { readonly email?: string | null | undefined; readonly username?: string | null | undefined },
): boolean {
  const asked = (value: string | null | undefined, check: (value: string) => Checked<string>, present: string) => {
    const checked = value == null ? undefined : check(value);
    return checked !== undefined && 'value' in checked && checked.value !== present;
  };
  return asked(input.email, checkEmail, email) || asked(input.username, checkUsername, username);
}

/** As in `display-name.ts`. */
export function checkDisplayName(displayName: string): Checked<string> {
  const error = displayNameError(displayName);
  return error === undefined ? { value: cleanDisplayName(displayName) } : { error };
}

/** An https URL without credentials, stored in its canonical form. */
export function checkAvatarUrl(avatarUrl: string): Checked<string> {
  if (avatarUrl.length > MAX_URL) return { error: `must be at most ${MAX_URL} characters` };
  if (!URL.canParse(avatarUrl)) return { error: 'must be an https address' };
  const url = new URL(avatarUrl);
  if (url.protocol !== 'https:') return { error: 'must be an https address' };
  if (url.username !== '' || url.password !== '') return { error: 'must not contain credentials' };
  return url.href.length > MAX_URL ? { error: `must be at most ${MAX_URL} characters` } : { value: url.href };
}

/** A well-formed BCP 47 tag, stored in canonical case. */
export function checkLanguage(language: string): Checked<string> {
  const error = { error: 'must be a BCP 47 language tag such as en or pt-BR' };
  if (language.length > MAX_LANGUAGE) return error;
  try {
    const [tag] = Intl.getCanonicalLocales(language);
    return tag === undefined ? error : { value: tag };
  } catch {
    return error;
  }
}

/** Collects the errors of all fields, so the response reports them together. */
export function createFieldErrors() {
  const errors: FieldError[] = [];
  return {
    all: errors as readonly FieldError[],
    add(field: string, ...messages: readonly string[]): void {
      for (const message of messages) errors.push({ field, message });
    },
    /** The value to store; undefined after recording an error. */
    take<T>(field: string, checked: Checked<T>): T | undefined {
      if ('value' in checked) return checked.value;
      errors.push({ field, message: checked.error });
      return undefined;
    },
  };
}

/**
 * Validates a new password of an account and its confirmation.
 * @param fields the names of the two input fields
 * @throws AppError VALIDATION_ERROR with every error
 */
export async function assertNewPassword(
  policy: PasswordPolicy,
  { email, username, displayName }: Pick<AccountRecord, 'email' | 'username' | 'displayName'>,
  password: string,
  confirmation: string | null | undefined,
  fields = { password: 'password', confirmation: 'passwordConfirmation' },
): Promise<void> {
  const errors = createFieldErrors();
  errors.add(fields.password, ...(await policy.checkAll(password, [email, username, displayName ?? ''])));
  if (confirmation != null && confirmation !== password)
    errors.add(fields.confirmation, 'must be the same as the password');
  if (errors.all.length > 0) throw validationError(errors.all);
}
