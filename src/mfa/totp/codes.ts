/**
 * Time-based one-time passwords (RFC 6238) with SHA-1, six digits and steps of 30 seconds, which every authenticator app
 * supports. Pure functions.
 */
import { Secret, TOTP } from 'otpauth';
import { normalizeCode } from '../codes.js';

const PERIOD_S = 30;
/** One step before and after the present one, for clocks that differ (RFC 6238 section 5.2). */
const WINDOW = 1;
const DIGITS = /^\d{6}$/;
const PARAMETERS = { algorithm: 'SHA1', digits: 6, period: PERIOD_S } as const;
/** RFC 4226 section 4 recommends 160 bits. */
const SECRET_BYTES = 20;

/** A random secret, in base32. */
export function createTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/** The `otpauth://` URI for a QR code. Neither part of its label may contain a colon. */
export function totpUri(secret: string, issuer: string, accountName: string): string {
  const withoutColon = (text: string) => text.replaceAll(':', ' ');
  return new TOTP({
    ...PARAMETERS,
    secret: Secret.fromBase32(secret),
    issuer: withoutColon(issuer),
    label: withoutColon(accountName),
  }).toString();
}

/** The time step of a code; undefined if it is the code of none within the window. @param now in milliseconds */
export function stepOfCode(secret: string, code: string, now: number): number | undefined {
  const token = normalizeCode(code);
  if (!DIGITS.test(token)) return undefined;
  const totp = new TOTP({ ...PARAMETERS, secret: Secret.fromBase32(secret) });
  const delta = totp.validate({ token, timestamp: now, window: WINDOW });
  return delta === null ? undefined : Math.floor(now / 1000 / PERIOD_S) + delta;
}
