/**
 * A minimal browser for the provider's pages, and people who use it: keeps cookies, follows redirects within the provider, and
 * submits forms by their fields. It sends its requests without a socket; test/browser/ has a real browser.
 */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import type { TestApp } from './app.js';
import type { ListeningApp } from './listening-app.js';
import { REDIRECT_URI, type SeededClient } from './oauth.js';
import { exchangeForm, postForm } from './oauth-requests.js';
import { codeChallenge } from './pkce.js';
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
  readonly shown: Shown;
  /** Opens a URL and follows redirects until a page is shown or the provider is left. */
  open(url: string | URL): Promise<Shown>;
  /**
   * Submits the first form that has the fields, with its hidden fields.
   * @param fields what the person fills in, and the button that they press; they replace hidden fields
   */
  submit(fields?: Record<string, string>, headers?: Record<string, string>): Promise<Shown>;
  /** Sends a form without a page. */
  post(path: string, fields: Record<string, string> | string, headers?: Record<string, string>): Promise<Shown>;
  /** The hidden fields of the first form. */
  hidden(): Record<string, string>;
}

type Person = Pick<SeededUser, 'username' | 'password'>;
type Decision = 'allow' | 'deny';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const SAME_SITE = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' };
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
const unescape = (text: string) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!);
/** Pages of a sign-in: login, second step, consent. */
const MAX_FORMS = 5;

let browsers = 0;

/** @param origin of PUBLIC_URL */
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
      headers: { 'user-agent': 'Tap/1', accept: 'text/html', ...(cookie ? { cookie } : {}), ...headers },
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
    const { statusCode: status, body } = response;
    shown = { status, path: url.pathname, body, headers: response.headers, left: target };
    return shown;
  }

  const post: OAuthBrowser['post'] = (path, fields, headers = {}) =>
    send(
      'POST',
      new URL(path, origin),
      { ...FORM, ...SAME_SITE, ...headers },
      typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
    );

  return {
    jar,
    get shown() {
      return shown;
    },
    open: (url) => send('GET', new URL(url, origin), {}),
    async submit(fields = {}, headers) {
      const form = formWith(shown.body, Object.keys(fields));
      const action = new URL(form.action, new URL(shown.path, origin));
      return post(action.pathname, { ...form.hidden, ...fields }, headers);
    },
    post,
    hidden: () => formWith(shown.body, []).hidden,
  };
}

/** The first form that has all the fields and buttons. @throws Error if there is none */
function formWith(html: string, names: readonly string[]) {
  const forms = Array.from(html.matchAll(/<form[^]*?<\/form>/g), ([form]) => form);
  const found = forms.find((form) => names.every((name) => form.includes(` name="${name}"`)));
  if (found === undefined) throw new Error(`No form has the fields ${names.join(', ')}: ${html}`);
  const inputs = found.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g);
  return {
    action: unescape(/^<form [^>]*action="([^"]*)"/.exec(found)?.[1] ?? ''),
    hidden: Object.fromEntries(Array.from(inputs, ([, name, value]) => [name!, unescape(value!)])),
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
export const credentialsOf = ({ username, password }: Person) => ({ identifier: username, password });

/** Answers the login and consent forms until the browser leaves the provider, or shows another page. */
export async function answerForms(browser: OAuthBrowser, person: Person, decision: Decision = 'allow'): Promise<Shown> {
  for (let forms = 0; forms < MAX_FORMS; forms += 1) {
    const { body, left } = browser.shown;
    if (left) break;
    if (body.includes(' name="identifier"')) await browser.submit(credentialsOf(person));
    else if (body.includes(' name="decision"')) await browser.submit({ decision });
    else break;
  }
  return browser.shown;
}

/** Opens an authorization URL in a new browser, signs in and decides. @returns the URL at the client */
export async function authorize(
  { server, url: origin }: Pick<ListeningApp, 'server' | 'url'>,
  url: string | URL,
  user: Person,
  decision?: Decision,
): Promise<URL> {
  const browser = oauthBrowser(server, origin);
  await browser.open(url);
  const { left, path, body } = await answerForms(browser, user, decision);
  if (!left) throw new Error(`The browser is still at ${path}: ${body}`);
  return left;
}

/** A browser whose person has signed in and allowed the client. */
export async function visitorOf(
  { server }: Pick<TestApp, 'server'>,
  user: Person,
  seeded: Pick<SeededClient, 'client'>,
): Promise<OAuthBrowser> {
  const browser = oauthBrowser(server);
  await browser.open(authorizeUrl(seeded));
  const allowed = await answerForms(browser, user);
  if (!responseOf(allowed)['code']) throw new Error(`No code: ${allowed.status} ${allowed.body}`);
  return browser;
}

/** The ID token of a new grant in the browser's session. */
export async function idTokenOf(
  app: Pick<TestApp, 'server'>,
  browser: OAuthBrowser,
  seeded: SeededClient,
): Promise<string> {
  await browser.open(authorizeUrl(seeded, { scope: 'openid', prompt: 'consent' }));
  const { code } = responseOf(await browser.submit({ decision: 'allow' }));
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code!));
  return body['id_token'] as string;
}
