/**
 * E-mail addresses and usernames: what is accepted, what is stored to show, and the key that makes them unique
 * and finds them: case and Unicode compatibility folded. Checks are linear and look at the length first.
 */
import { domainToASCII } from 'node:url';
import { countCharacters, foldText } from '../lib/text.js';

/** RFC 5321 section 4.5.3.1 (the path's 256 octets hold two brackets), of the address in UTF-8 (RFC 6531). */
const MAX_EMAIL_BYTES = 254;
const MAX_LOCAL_BYTES = 64;
const MIN_USERNAME = 3;
const MAX_USERNAME = 32;
/** UTF-16 units that are worth a closer look. */
const MAX_UNITS = 512;

/**
 * Controls, format characters, lone surrogates, white space and whatever else does not show. Unassigned code points
 * too: a later Unicode may fold them otherwise, and a key must stay what it is.
 */
const UNFIT = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;
/** What Postgres refuses in text. */
const UNSTORABLE = /[\0\p{Cs}]/u;
/** RFC 5321's Dot-string with every script's letters (RFC 6531); nobody uses quoted strings. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
/** Two labels or more, the last one beginning with a letter: neither `localhost` nor an IP address, `0x7f` included. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
/** A domain that IDNA may map, its full stop included. The URL parser would read more into others: `/`, `:`, `%`. */
const INTERNATIONAL_DOMAIN = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}.\u3002-]*$/u;
/** Scripts whose letters look alike: no name has two of them (Unicode TS 39, 5.2, as Moderately Restrictive has it). */
const LOOKALIKE = [/\p{sc=Latn}/u, /\p{sc=Cyrl}/u, /\p{sc=Grek}/u];
const USERNAME = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._-]*$/u;

/** What is stored of an address without fault: the local part as written, in NFC (RFC 6532 section 3.1). */
export function cleanEmail(email: string): string {
  const { local, domain } = split(email.trim());
  return `${local.normalize('NFC')}@${domain.normalize('NFKC')}`;
}

/** What is stored of a username without fault: the case as written, compatibility characters as what they mean. */
export function cleanUsername(username: string): string {
  return username.normalize('NFKC').trim();
}

/** What is wrong with an address, or undefined. White space around it is nothing wrong. */
export function emailError(email: string): string | undefined {
  const fault = 'must be an e-mail address such as name@example.com';
  if (email.length > MAX_UNITS || UNFIT.test(email.trim())) return fault;
  // The key obeys as well: compatibility characters hide an @, spaces and dots, and U+FDFA is eighteen characters.
  const forms = [cleanEmail(email), emailKey(email)];
  return forms.every(isAddress) && DOMAIN.test(asciiDomain(split(email.trim()).domain)) ? undefined : fault;
}

/** What is wrong with a username, or undefined. White space around it is nothing wrong. */
export function usernameError(username: string): string | undefined {
  const clean = username.length > MAX_UNITS ? '' : cleanUsername(username);
  const length = countCharacters(clean);
  if (length < MIN_USERNAME || length > MAX_USERNAME) return `must be ${MIN_USERNAME} to ${MAX_USERNAME} characters`;
  if (LOOKALIKE.filter((script) => script.test(clean)).length > 1)
    return 'must not mix letters of Latin, Cyrillic and Greek, which look alike';
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
 * Where to look for the account that somebody means: with an @ it is an e-mail address, as no username has one.
 * Takes whatever was typed; what no account can be called and no database store has a key that nobody has.
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

/** Both names of an account, normalised: what it can be logged in with. */
export function namesOf({ email, username }: { readonly email: string; readonly username: string }): readonly string[] {
  return [usernameKey(username), emailKey(email)];
}

/** What the keys of names begin with that begin like a text; whatever was typed. */
export function searchPrefix(text: string): { readonly email: string; readonly username: string } {
  const typed = text.length > MAX_UNITS || UNSTORABLE.test(text) ? '\u{10ffff}' : text.normalize('NFKC').trim();
  return { email: typed.includes('@') ? emailKey(typed) : foldText(typed), username: foldText(typed) };
}

function isAddress(address: string): boolean {
  const { local } = split(address);
  if (Buffer.byteLength(address) > MAX_EMAIL_BYTES || Buffer.byteLength(local) > MAX_LOCAL_BYTES) return false;
  return LOCAL_PART.test(local);
}

/** As the DNS has it: ASCII in lower case (UTS 46), empty if it has no such form. */
function asciiDomain(domain: string): string {
  const plain = domain.normalize('NFKC').toLowerCase();
  if (/^[a-z0-9.-]*$/.test(plain)) return plain;
  return INTERNATIONAL_DOMAIN.test(plain) ? domainToASCII(plain) : '';
}

/** At the last @; without one there is no local part. */
function split(email: string): { readonly local: string; readonly domain: string } {
  const at = email.lastIndexOf('@');
  return { local: email.slice(0, Math.max(at, 0)), domain: email.slice(at + 1) };
}
