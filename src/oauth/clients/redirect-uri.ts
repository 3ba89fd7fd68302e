/**
 * Validation of the URIs that a client registers (RFC 6749 section 3.1.2, RFC 8252, RFC 9700 section 4.1.3). Requests are compared
 * with them by exact match, so that only one spelling of each is accepted here.
 */
import { isPrivateScheme } from '../../lib/private-scheme.js';
import type { ClientType } from './client.js';

const MAX_LENGTH = 2048;
/** RFC 3986 section 2. */
const URI = /^(?:[\w.~:/?#[\]@!$&'()+,;=*-]|%[\da-f]{2})+$/i;
const ENCODED_CONTROL = /%(?:[01][\da-f]|7f)/i;
/** The parameters of an authorization response. */
const RESERVED = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'response'];
/** As `URL.hostname` has them. */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** An error message if a client may not register the redirect URI; undefined if it may. */
export function redirectUriError(uri: string, type: ClientType): string | undefined {
  const error = uriError(uri);
  if (error !== undefined) return error;
  const { protocol, hostname, searchParams } = new URL(uri);
  if (protocol === 'http:' && !LOOPBACK.has(hostname)) return 'must be https, or http on 127.0.0.1, [::1] or localhost';
  if (protocol !== 'https:' && protocol !== 'http:') {
    if (!isPrivateScheme(protocol)) return 'must be https, or have a scheme such as com.example.app';
    if (type !== 'PUBLIC') return 'must be https: only public clients may have a private-use scheme';
  }
  return RESERVED.some((name) => searchParams.has(name))
    ? 'must not contain a parameter of the authorization response'
    : undefined;
}

/**
 * An error message if a client may not register the address for logout tokens; undefined if it may. Private networks are allowed.
 * @see OpenID Connect Back-Channel Logout 1.0 section 2.2
 */
export function logoutUriError(uri: string, type: ClientType): string | undefined {
  const error = uriError(uri);
  if (error !== undefined) return error;
  const { protocol } = new URL(uri);
  if (protocol === 'https:' || (protocol === 'http:' && type === 'CONFIDENTIAL')) return undefined;
  return 'must be https, or http for a confidential client';
}

/** Whether a text is an absolute URI in ASCII, without spaces, backslashes and control characters, encoded ones included. */
export function isUri(text: string): boolean {
  return URI.test(text) && !ENCODED_CONTROL.test(text) && URL.canParse(text);
}

function uriError(uri: string): string | undefined {
  if (uri.length > MAX_LENGTH) return `must be at most ${MAX_LENGTH} characters`;
  if (!isUri(uri)) return 'must be an absolute URI';
  if (uri.includes('#')) return 'must not have a fragment';
  if (uri.includes('*')) return 'must not have a wildcard';
  const { href, username, password } = new URL(uri);
  if (username !== '' || password !== '') return 'must not contain credentials';
  return href === uri ? undefined : `must be in canonical form: ${href}`;
}
