/**
 * The name of a cookie, with the prefix that browsers enforce (RFC 6265bis, section 4.1.3). `__Host-` requires https, this host
 * and the path `/`; a cookie with another path gets `__Secure-`, which requires https.
 * @param secure whether the cookie has the attribute Secure; without it there is no prefix
 */
export function cookieName(name: string, secure: boolean, path: string): string {
  if (!secure) return name;
  return `${path === '/' ? '__Host-' : '__Secure-'}${name}`;
}
