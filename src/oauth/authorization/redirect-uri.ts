/** Comparison of the requested redirect URI with the registered ones (RFC 9700 section 2.1, RFC 8252 section 7). Pure functions. */
import type { OAuthClient } from '../clients/client.js';

/** Parts of a redirect URI on a loopback address. `localhost` is none: it may resolve to another host (RFC 8252 section 8.3). */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?((?:[/?][^#]*)?)$/;
const WEB = /^https?:/;
/** Schemes that run scripts or open local content. Registration refuses them; this is the second defence. */
const DANGEROUS = /^(?:javascript|data|vbscript|file|blob|about|filesystem|view-source):/i;

type Redirecting = Pick<OAuthClient, 'type' | 'redirectUris'>;

const LOCALHOST = /^http:\/\/localhost(?:[:/?]|$)/;

/**
 * Whether a response may be sent to `uri`: an exact match, or for a public client on a loopback address one with another port
 * (RFC 8252 section 7.3).
 */
export function isRedirectUri({ type, redirectUris }: Redirecting, uri: string): boolean {
  if (DANGEROUS.test(uri) || uri.includes('#')) return false;
  if (!WEB.test(uri) && type !== 'PUBLIC') return false;
  if (redirectUris.includes(uri)) return true;
  const requested = type === 'PUBLIC' ? loopback(uri) : undefined;
  return requested !== undefined && redirectUris.some((registered) => loopback(registered) === requested);
}

/** Whether any application on the device can receive the response, so that the client may be another one (RFC 8252 section 8.6). */
export function isLocalRedirect(uri: string): boolean {
  return !WEB.test(uri) || LOCALHOST.test(uri) || loopback(uri) !== undefined;
}

/** A loopback URI without its port; undefined for another URI. */
function loopback(uri: string): string | undefined {
  const [, host, port = '80', rest] = LOOPBACK.exec(uri) ?? [];
  return host === undefined || Number(port) > 65_535 ? undefined : `${host}${rest ?? ''}`;
}
