/** The path of PUBLIC_URL, which prefixes every route. */

/** The path without a trailing slash, e.g. `/auth`; empty if PUBLIC_URL has no path. */
export function pathPrefix(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
}

/**
 * Removes the prefix from the URL of a request. URLs without it stay unchanged, because some proxies remove it themselves.
 * @param prefix as `pathPrefix` returns it
 */
export function withoutPrefix(url: string, prefix: string): string {
  if (!url.startsWith(prefix)) return url;
  const rest = url.slice(prefix.length);
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url;
}
