/** A browser for the pages of the OAuth provider: keeps cookies, follows redirects to the provider, submits forms. */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { codeChallenge } from './pkce.js';
import type { TestApp } from './app.js';
import { REDIRECT_URI, type SeededClient } from './oauth.js';
import type { SeededUser } from './seed.js';

/** What the browser shows. */
export interface Shown {
  readonly status: number;
  /** The path without the query. */
  readonly path: string;
  readonly body: string;
  readonly headers: LightMyRequestResponse['headers'];
  /** Where the browser left the provider to, by a redirect or a refresh. */
  readonly left: URL | undefined;
}

export interface OAuthBrowser {
  /** The cookies by name. */
  readonly jar: Map<string, string>;
  /** Opens a URL and follows redirects until a page is shown or the provider is left. */
  open(url: string): Promise<Shown>;
  /** Submits the first form of the shown page; fields replace hidden ones. */
  submit(fields?: Record<string, string>, headers?: Record<string, string>): Promise<Shown>;
  /** Sends a form without a page. */
  post(path: string, fields: Record<string, string> | string, headers?: Record<string, string>): Promise<Shown>;
  /** What is shown now. */
  readonly shown: Shown;
  /** The hidden fields of the first form. */
  hidden(): Record<string, string>;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
const unescape = (text: string) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!);

let browsers = 0;

export function oauthBrowser(server: FastifyInstance, origin = 'http://auth.test'): OAuthBrowser {
  const jar = new Map<string, string>();
  browsers += 1;
  const remoteAddress = `10.77.${browsers >> 8}.${browsers & 255}`;
  let shown: Shown = { status: 0, path: '/', body: '', headers: {}, left: undefined };

  async function send(
    method: 'GET' | 'POST',
    url: URL,
    headers: Record<string, string>,
    payload?: string,
  ): Promise<Shown> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await server.inject({
      method,
      url: url.pathname + url.search,
      remoteAddress,
      headers: { 'user-agent': 'Tap/1', ...(cookie ? { cookie } : {}), ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    for (const { name, value, maxAge, expires } of response.cookies) {
      if (maxAge === 0 || (expires && expires.getTime() <= 0)) jar.delete(name);
      else jar.set(name, value);
    }
    const { location } = response.headers;
    const refresh = /<meta http-equiv="refresh" content="0;url=([^"]*)">/.exec(response.body)?.[1];
    const next = location ?? (refresh === undefined ? undefined : unescape(refresh));
    const target = next === undefined ? undefined : new URL(next, url);
    if (target?.origin === origin) return send('GET', target, {});
    shown = {
      status: response.statusCode,
      path: url.pathname,
      body: response.body,
      headers: response.headers,
      left: target,
    };
    return shown;
  }

  const hidden = () => {
    const first = /<form[^]*?<\/form>/.exec(shown.body)?.[0] ?? '';
    const inputs = first.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g);
    return Object.fromEntries(Array.from(inputs, ([, name, value]) => [name!, unescape(value!)]));
  };
  const post: OAuthBrowser['post'] = (path, fields, headers = {}) =>
    send(
      'POST',
      new URL(path, origin),
      { ...FORM, 'sec-fetch-site': 'same-origin', ...headers },
      typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
    );

  return {
    jar,
    open: (url) => send('GET', new URL(url, origin), {}),
    submit: (fields, headers) => post(shown.path, { ...hidden(), ...fields }, headers),
    post,
    get shown() {
      return shown;
    },
    hidden,
  };
}

/** The URL of an authorization request. Undefined removes a parameter. */
export function authorizeUrl(
  { client }: Pick<SeededClient, 'client'>,
  parameters: Record<string, string | undefined> = {},
): string {
  const all: Record<string, string | undefined> = {
    client_id: client.id,
    redirect_uri: client.redirectUris[0] ?? REDIRECT_URI,
    response_type: 'code',
    scope: 'read:content read:profile',
    state: 'a state',
    ...(client.type === 'PUBLIC' ? { code_challenge: codeChallenge(), code_challenge_method: 'S256' } : {}),
    ...parameters,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.append(name, value);
  return `/oauth/authorize?${query.toString()}`;
}

/** The parameters of a response to the client. */
export function responseOf({ left }: Shown): Record<string, string> {
  return left ? Object.fromEntries(left.searchParams) : {};
}

/** What a person types into the login form. */
export const credentialsOf = ({ username, password }: Pick<SeededUser, 'username' | 'password'>) => ({
  identifier: username,
  password,
});

/** A browser whose person has signed in and allowed the client. */
export async function visitorOf(
  app: Pick<TestApp, 'server'>,
  user: SeededUser,
  seeded: Pick<SeededClient, 'client'>,
): Promise<OAuthBrowser> {
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(seeded));
  await browser.submit(credentialsOf(user));
  const allowed = await browser.submit({ decision: 'allow' });
  if (!responseOf(allowed)['code']) throw new Error(`No code: ${allowed.status} ${allowed.body}`);
  return browser;
}
