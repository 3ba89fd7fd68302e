/**
 * Email addresses and usernames: validation, the form that is displayed, and the key that makes them unique, which folds
 * case and Unicode compatibility characters. Checks take linear time and check the length first.
 */
import { domainToASCII } from 'node:url';
import { countCharacters, foldText } from '../lib/text.js';

/** RFC 5321 section 4.5.3.1 (a path of 256 octets includes two brackets), in UTF-8 (RFC 6531). */
const MAX_EMAIL_BYTES = 254;
const MAX_LOCAL_BYTES = 64;
const MIN_USERNAME = 3;
const MAX_USERNAME = 32;
/** In UTF-16 units; longer input is rejected without further checks. */
const MAX_UNITS = 512;

/**
 * Control and format characters, lone surrogates, white space and invisible characters. Unassigned code points too: a later
 * Unicode version may fold them differently, and keys must be stable.
 */
const UNFIT = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;
/** Characters that Postgres rejects in text. */
const UNSTORABLE = /[\0\p{Cs}]/u;
/** Dot-string of RFC 5321 with letters of every script (RFC 6531). Quoted strings are not supported. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
/** At least two labels, the last one starting with a letter: excludes `localhost` and IP addresses such as `0x7f`. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
/** A domain that IDNA may map, its full stop included. The URL parser would read more into others: `/`, `:`, `%`. */
const INTERNATIONAL_DOMAIN = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}.\u3002-]*$/u;
/** Scripts with confusable letters. A name must not mix them (Unicode TS 39, 5.2, Moderately Restrictive). */
const LOOKALIKE = [/\p{sc=Latn}/u, /\p{sc=Cyrl}/u, /\p{sc=Grek}/u];
const USERNAME = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._-]*$/u;

/** The stored form of a valid address: keeps the case of the local part, in NFC (RFC 6532 section 3.1). */
export function cleanEmail(email: string): string {
  const { local, domain } = split(email.trim());
  return `${local.normalize('NFC')}@${domain.normalize('NFKC')}`;
}

/** The stored form of a valid username: NFKC, keeps the case. */
export function cleanUsername(username: string): string {
  return username.normalize('NFKC').trim();
}

/** A message for the user if the address is invalid; undefined otherwise. Surrounding white space is ignored. */
export function emailError(email: string): string | undefined {
  const error = 'must be an email address such as name@example.com';
  if (email.length > MAX_UNITS || UNFIT.test(email.trim())) return error;
  // The key obeys as well: compatibility characters hide an @, spaces and dots, and U+FDFA is eighteen characters.
  const forms = [cleanEmail(email), emailKey(email)];
  return forms.every(isAddress) && DOMAIN.test(asciiDomain(split(email.trim()).domain)) ? undefined : error;
}

/** A message for the user if the username is invalid; undefined otherwise. Surrounding white space is ignored. */
export function usernameError(username: string): string | undefined {
  const clean = username.length > MAX_UNITS ? '' : cleanUsername(username);
  const length = countCharacters(clean);
  if (length < MIN_USERNAME || length > MAX_USERNAME) return `must be ${MIN_USERNAME} to ${MAX_USERNAME} characters`;
  if (LOOKALIKE.filter((script) => script.test(clean)).length > 1)
    return 'must not mix Latin, Cyrillic and Greek letters, which look alike';
  if (USERNAME.test(clean) && !UNFIT.test(clean)) return undefined;
  return 'may contain letters, digits, dots, dashes and underscores, and starts with a letter or digit';
}

/** The unique form of an address. `emailKey(emailKey(x)) === emailKey(x)`. */
export function emailKey(email: string): string {
  const { local, domain } = split(email.normalize('NFKC').trim());
  return `${foldText(local)}@${asciiDomain(domain)}`;
}

/** The unique form of a username. `usernameKey(usernameKey(x)) === usernameKey(x)`. */
export function usernameKey(username: string): string {
  return foldText(cleanUsername(username));
}

/**
 * Resolves a login identifier to a key. An identifier with an @ is an email address, because usernames cannot contain one.
 * Accepts any input; an invalid identifier gets a key that no account has.
 */
export function identifierKey(identifier: string): { readonly kind: 'email' | 'username'; readonly key: string } {
  const typed = identifier.length > MAX_UNITS || UNSTORABLE.test(identifier) ? '' : identifier;
  const isEmail = typed.normalize('NFKC').includes('@');
  return isEmail ? { kind: 'email', key: emailKey(typed) } : { kind: 'username', key: usernameKey(typed) };
}

/**
 * The placeholder key of an unconfirmed address (REVEAL_TAKEN_EMAILS=false); a login by that address fails. It starts with
 * the address's key, so that a search finds it; the space cannot occur in a valid address.
 */
export function unclaimedEmailKey(key: string, accountId: string): string {
  return `${key} ${accountId}`;
}

/** Both login identifiers of an account, normalised. */
export function namesOf({ email, username }: { readonly email: string; readonly username: string }): readonly string[] {
  return [usernameKey(username), emailKey(email)];
}

/** The key prefixes for a search by prefix. Accepts any input. */
export function searchPrefix(text: string): { readonly email: string; readonly username: string } {
  const typed = text.length > MAX_UNITS || UNSTORABLE.test(text) ? '\u{10ffff}' : text.normalize('NFKC').trim();
  return { email: typed.includes('@') ? emailKey(typed) : foldText(typed), username: foldText(typed) };
}

function isAddress(address: string): boolean {
  const { local } = split(address);
  if (Buffer.byteLength(address) > MAX_EMAIL_BYTES || Buffer.byteLength(local) > MAX_LOCAL_BYTES) return false;
  return LOCAL_PART.test(local);
}

/** The domain in lower-case ASCII (UTS 46); empty if it cannot be converted. */
function asciiDomain(domain: string): string {
  const plain = domain.normalize('NFKC').toLowerCase();
  if (/^[a-z0-9.-]*$/.test(plain)) return plain;
  return INTERNATIONAL_DOMAIN.test(plain) ? domainToASCII(plain) : '';
}

/** Splits at the last @. Without one, the local part is empty. */
function split(email: string): { readonly local: string; readonly domain: string } {
  const at = email.lastIndexOf('@');
  return { local: email.slice(0, Math.max(at, 0)), domain: email.slice(at + 1) };
}
