/** The `Authorization: Bearer` scheme (RFC 6750 section 2.1). */

/** The token of an `Authorization` value, or undefined. */
export function bearerToken(authorization: string | undefined): string | undefined {
  // The usual spelling, without a regular expression.
  if (authorization?.startsWith('Bearer ey') && !authorization.includes(' ', 7)) return authorization.slice(7);
  return /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
}
