/** The path of PUBLIC_URL, below which everything is served. */

/** The path without a slash at the end, e.g. `/auth`; empty where PUBLIC_URL has none. */
export function pathPrefix(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
}

/**
 * A request's URL without the prefix, for proxies that pass it on. Proxies that remove it send URLs that stay as they are.
 * @param prefix as `pathPrefix` returns it
 */
export function withoutPrefix(url: string, prefix: string): string {
  if (!url.startsWith(prefix)) return url;
  const rest = url.slice(prefix.length);
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url;
}
