/** What owners may write about themselves: each rule says what is wrong, or what is stored. */
import { validationError, type FieldError } from '../lib/errors.js';
import type { PasswordPolicy } from '../passwords/policy.js';
import type { AccountRecord } from './account.js';
import { cleanDisplayName, displayNameError } from './display-name.js';
import { cleanEmail, cleanUsername, emailError, usernameError } from './identifiers.js';

/** A fault of one field, or the value to store. */
export type Checked<T> = { readonly fault: string } | { readonly value: T };

const MAX_URL = 2048;
const MAX_LANGUAGE = 35;

/** As in `identifiers.ts`. */
export function checkEmail(email: string): Checked<string> {
  const fault = emailError(email);
  return fault === undefined ? { value: cleanEmail(email) } : { fault };
}

/** As in `identifiers.ts`. */
export function checkUsername(username: string): Checked<string> {
  const fault = usernameError(username);
  return fault === undefined ? { value: cleanUsername(username) } : { fault };
}

/** As in `display-name.ts`. */
export function checkDisplayName(displayName: string): Checked<string> {
  const fault = displayNameError(displayName);
  return fault === undefined ? { value: cleanDisplayName(displayName) } : { fault };
}

/** An https URL without credentials; kept as the URL standard writes it. */
export function checkAvatarUrl(avatarUrl: string): Checked<string> {
  if (avatarUrl.length > MAX_URL) return { fault: `must be at most ${MAX_URL} characters` };
  if (!URL.canParse(avatarUrl)) return { fault: 'must be an https address' };
  const url = new URL(avatarUrl);
  if (url.protocol !== 'https:') return { fault: 'must be an https address' };
  if (url.username !== '' || url.password !== '') return { fault: 'must not contain credentials' };
  return url.href.length > MAX_URL ? { fault: `must be at most ${MAX_URL} characters` } : { value: url.href };
}

/** A well-formed BCP 47 tag, kept in canonical case. */
export function checkLanguage(language: string): Checked<string> {
  const fault = { fault: 'must be a BCP 47 language tag such as en or pt-BR' };
  if (language.length > MAX_LANGUAGE) return fault;
  try {
    const [tag] = Intl.getCanonicalLocales(language);
    return tag === undefined ? fault : { value: tag };
  } catch {
    return fault;
  }
}

/** Collects every fault of an input, so that all are answered at once. */
export function createFieldErrors() {
  const faults: FieldError[] = [];
  return {
    all: faults as readonly FieldError[],
    add(field: string, ...messages: readonly string[]): void {
      for (const message of messages) faults.push({ field, message });
    },
    /** The value to store, or undefined with the fault noted. */
    take<T>(field: string, checked: Checked<T>): T | undefined {
      if ('value' in checked) return checked.value;
      faults.push({ field, message: checked.fault });
      return undefined;
    },
  };
}

/**
 * Checks a new password of an account, and its repetition.
 * @param fields what the two are called in the input
 * @throws AppError VALIDATION_ERROR with every fault
 */
export async function assertNewPassword(
  policy: PasswordPolicy,
  { email, username, displayName }: Pick<AccountRecord, 'email' | 'username' | 'displayName'>,
  password: string,
  confirmation: string | null | undefined,
  fields = { password: 'password', confirmation: 'passwordConfirmation' },
): Promise<void> {
  const faults = createFieldErrors();
  faults.add(fields.password, ...(await policy.checkAll(password, [email, username, displayName ?? ''])));
  if (confirmation != null && confirmation !== password)
    faults.add(fields.confirmation, 'must be the same as the password');
  if (faults.all.length > 0) throw validationError(faults.all);
}
