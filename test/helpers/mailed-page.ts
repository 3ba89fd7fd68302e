/** A minimal browser for the pages behind mailed links: follows redirects, stores cookies, submits forms. */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';

export interface MailedPage {
  /** Opens a link and follows its redirect. */
  open(link: string): Promise<LightMyRequestResponse>;
  /** Submits the form of the last page. */
  press(fields?: Record<string, string>, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** The cookies by name. */
  readonly jar: Map<string, string>;
}

export function mailedPage(server: FastifyInstance): MailedPage {
  const jar = new Map<string, string>();
  let shown = { path: '/', body: '' };

  async function send(method: 'GET' | 'POST', path: string, headers: Record<string, string>, payload?: string) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await server.inject({
      method,
      url: path,
      headers: { 'user-agent': 'Tap/1', ...(cookie ? { cookie } : {}), ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    for (const { name, value } of response.cookies) jar.set(name, value);
    return response;
  }

  return {
    jar,
    async open(link) {
      const url = new URL(link, 'http://auth.test');
      let response = await send('GET', url.pathname + url.search, {});
      if (response.statusCode === 303) {
        url.href = new URL(response.headers.location!, url).href;
        response = await send('GET', url.pathname + url.search, {});
      }
      shown = { path: url.pathname, body: response.body };
      return response;
    },
    async press(fields = {}, headers = {}) {
      const hidden = Array.from(shown.body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g));
      const named = Object.fromEntries(hidden.map(([, name, value]) => [name!, value!]));
      const payload = new URLSearchParams({ ...named, ...fields }).toString();
      const type = { 'content-type': 'application/x-www-form-urlencoded' };
      return send('POST', shown.path, { ...type, 'sec-fetch-site': 'same-origin', ...headers }, payload);
    },
  };
}
