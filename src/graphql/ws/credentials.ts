/** Where clients put their credentials in the payload of `connection_init`. */

/** `authorization` in whatever case, at the top or among `headers`, where clients of other servers put it. */
export function authorizationOf(params: Readonly<Record<string, unknown>> | undefined): string | undefined {
  for (const map of [params, params?.['headers']]) {
    if (typeof map !== 'object' || map === null) continue;
    const found = Object.entries(map).find(([key]) => key.toLowerCase() === 'authorization')?.[1] as unknown;
    if (typeof found === 'string') return found;
  }
  return undefined;
}
