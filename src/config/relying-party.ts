/** The WebAuthn relying party: its id, and the origins whose pages may use its passkeys. It never depends on a request. */
import { isIP } from 'node:net';

/** The relying party of passkeys (WebAuthn Level 3, section 4). */
export interface RelyingParty {
  /** A domain. Passkeys work on it and below it, and only as long as it stays the same. */
  readonly id: string;
  /** Exact origins of the pages and of the Android apps that register and use passkeys. */
  readonly origins: readonly string[];
}

export interface RelyingPartySettings {
  /** WEBAUTHN_RP_ID. */
  readonly rpId: string | undefined;
  /** WEBAUTHN_ORIGINS. */
  readonly origins: readonly string[];
  readonly publicUrl: string;
  /** APP_URL. */
  readonly appUrl: string | undefined;
}

/** Lower-case ASCII labels, as browsers write the host of an origin. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_DOMAIN = 253;
const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The origin that Android gives its apps: the SHA-256 hash of their signing certificate, in base64url. */
const ANDROID_APP = /^android:apk-key-hash:[\w-]{43}$/;

/** Whether an origin is that of an Android app. The website of the relying party decides which apps may use its passkeys. */
export function isAndroidApp(origin: string): boolean {
  return ANDROID_APP.test(origin);
}

/** Whether a text can be a relying party id: a domain, and no IP address. */
export function isRelyingPartyId(text: string): boolean {
  return text.length <= MAX_DOMAIN && DOMAIN.test(text) && isIP(text) === 0 && !/(?:^|\.)\d+$/.test(text);
}

/** Whether the host of a web origin equals the relying party id or is below it. */
export function isWithin(origin: string, id: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === id || hostname.endsWith(`.${id}`);
}

/**
 * Fills in what is not set. The origins are those of APP_URL and PUBLIC_URL. The id is the host of both, or the one that the
 * other is below; of two siblings it is the host of APP_URL, where people sign in. Their common parent is never assumed: it may
 * be a public suffix, and it would include hosts of others. Origins that the id does not cover are left out.
 */
export function relyingPartyOf({ rpId, origins, publicUrl, appUrl }: RelyingPartySettings): RelyingParty {
  const own = [...new Set([appUrl ?? publicUrl, publicUrl].map(webOrigin))];
  const hosts = own.map((origin) => new URL(origin).hostname);
  const id = rpId ?? hosts.find((host) => own.every((origin) => isWithin(origin, host))) ?? hosts[0]!;
  return { id, origins: origins.length > 0 ? origins : own.filter((origin) => isWithin(origin, id)) };
}

/** The origin of a URL. Browsers accept no passkeys on an IP address, so a loopback address becomes `localhost`. */
function webOrigin(url: string): string {
  const parsed = new URL(url);
  if (LOOPBACK_ADDRESS.test(parsed.hostname)) parsed.hostname = 'localhost';
  return parsed.origin;
}

/** The settings as an operator wrote them, with the name of the one that is wrong. */
export interface RelyingPartyIssue {
  readonly name: 'WEBAUTHN_RP_ID' | 'WEBAUTHN_ORIGINS';
  readonly expected: string;
}

/** Why the settings cannot work together; undefined if they do. */
export function relyingPartyIssue(settings: RelyingPartySettings): RelyingPartyIssue | undefined {
  const { rpId } = settings;
  if (rpId !== undefined && !isRelyingPartyId(rpId))
    return { name: 'WEBAUTHN_RP_ID', expected: 'a domain in lower case such as example.com' };
  const { id, origins } = relyingPartyOf(settings);
  if (origins.length === 0)
    return { name: 'WEBAUTHN_RP_ID', expected: 'the host of PUBLIC_URL or APP_URL, or a domain above it' };
  if (!origins.every((origin) => isAndroidApp(origin) || isWithin(origin, id)))
    return { name: 'WEBAUTHN_ORIGINS', expected: `origins whose host is ${id} (WEBAUTHN_RP_ID) or below it` };
  return undefined;
}

/** A warning if passkeys do not work, or not on every page; undefined otherwise. */
export function relyingPartyWarning(settings: RelyingPartySettings): string | undefined {
  const { id } = relyingPartyOf(settings);
  const name = settings.rpId === undefined ? 'WEBAUTHN_RP_ID is not set' : 'WEBAUTHN_RP_ID';
  if (!isRelyingPartyId(id)) return `${name}, and PUBLIC_URL or APP_URL has an IP address; passkeys need a domain`;
  const { publicUrl, appUrl, rpId } = settings;
  if (rpId !== undefined || isWithin(webOrigin(publicUrl), id)) return undefined;
  return `${name}; passkeys work at ${new URL(appUrl ?? publicUrl).origin} only, not at PUBLIC_URL; set it to a domain above both before the first passkey is registered`;
}
