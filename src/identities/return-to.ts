/** Where a browser may be sent after a sign-in at a provider: addresses of origins and schemes that the operator listed. */
import { isUri } from '../oauth/clients/redirect-uri.js';

const MAX_LENGTH = 2048;
/** The parameters of the answer. */
const RESERVED = ['code', 'error', 'error_description'];

/** The address in canonical form, or an error message for the field. */
export type ParsedReturnTo = { readonly url: string } | { readonly error: string };

/** @param allowed RETURN_TO_ORIGINS: web origins, and schemes such as `com.example.app:` */
export function parseReturnTo(text: string, allowed: ReadonlySet<string>): ParsedReturnTo {
  if (text.length > MAX_LENGTH) return { error: `must be at most ${MAX_LENGTH} characters` };
  if (!isUri(text) || text.includes('#')) return { error: 'must be an absolute URL without a fragment' };
  const { href, origin, protocol, username, password, searchParams } = new URL(text);
  if (username !== '' || password !== '') return { error: 'must not contain credentials' };
  const isWeb = protocol === 'https:' || protocol === 'http:';
  if (!allowed.has(isWeb ? origin : protocol)) return { error: 'is at an origin that RETURN_TO_ORIGINS does not list' };
  if (RESERVED.some((name) => searchParams.has(name)))
    return { error: `must not contain the parameters ${RESERVED.join(', ')}` };
  return { url: href };
}
