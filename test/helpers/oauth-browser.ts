/** A minimal browser for the provider's pages over real HTTP: follows redirects, keeps cookies, and submits forms by their fields. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { startTestApp, type TestApp, type TestScope } from './app.js';

/** What the browser shows. */
export interface Shown {
  /** The address, or that of another site, which is not opened. */
  readonly url: URL;
  /** 0 for another site. */
  readonly status: number;
  readonly html: string;
}

export interface Browser {
  /** The cookies by name. */
  readonly jar: Map<string, string>;
  readonly shown: Shown;
  /** Opens an address and follows redirects until a page is shown, or another site is reached. */
  open(url: string | URL): Promise<Shown>;
  /**
   * Submits a form of the page with its hidden fields.
   * @param fields what the person fills in, and the button that they press
   * @param headers default: those of a browser on the same site
   */
  submit(fields?: Record<string, string>, headers?: Record<string, string>): Promise<Shown>;
}

interface SubmittedForm {
  readonly headers: Record<string, string>;
  readonly body: URLSearchParams;
}

const MAX_REDIRECTS = 10;
const SAME_SITE = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' };

/** @param origin the site that it visits */
export function createBrowser(origin: string): Browser {
  const jar = new Map<string, string>();
  let shown: Shown = { url: new URL(origin), status: 0, html: '' };

  function keepCookies(response: Response): void {
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = cookie.split(';');
      const name = pair.slice(0, pair.indexOf('=')).trim();
      const isDeleted = attributes.some((each) => /^\s*(max-age=0|expires=thu, 01 jan 1970.*)$/i.test(each));
      if (isDeleted) jar.delete(name);
      else jar.set(name, pair.slice(pair.indexOf('=') + 1));
    }
  }

  async function visit(first: string | URL, form?: SubmittedForm): Promise<Shown> {
    let url = new URL(first, shown.url);
    let posted = form;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      if (url.origin !== new URL(origin).origin) return (shown = { url, status: 0, html: '' });
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(url, {
        redirect: 'manual',
        headers: { 'user-agent': 'Tap/1', accept: 'text/html', ...(cookie ? { cookie } : {}), ...posted?.headers },
        ...(posted ? { method: 'POST', body: posted.body } : {}),
      });
      keepCookies(response);
      const html = await response.text();
      const refresh = /<meta http-equiv="refresh" content="\d+;\s*url=([^"]*)"/i.exec(html)?.[1];
      const next = response.headers.get('location') ?? (refresh === undefined ? undefined : unescapeHtml(refresh));
      shown = { url, status: response.status, html };
      if (next === undefined) return shown;
      url = new URL(next, url);
      posted = undefined;
    }
    throw new Error(`Too many redirects, the last to ${url.href}`);
  }

  return {
    jar,
    get shown() {
      return shown;
    },
    open: (url) => visit(url),
    submit(fields = {}, headers = SAME_SITE) {
      const form = formWith(shown.html, Object.keys(fields));
      const action = new URL(form.action ?? '', shown.url);
      const body = new URLSearchParams({ ...form.hidden, ...fields });
      return visit(action, { headers, body });
    },
  };
}

/** The first form that has all the fields and buttons. */
function formWith(html: string, names: readonly string[]) {
  const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)];
  const found = forms.find(([, , content = '']) =>
    names.every((name) => new RegExp(`<(?:input|button|select)\\b[^>]*\\bname="${name}"`, 'i').test(content)),
  );
  if (!found) throw new Error(`No form has the fields ${names.join(', ')}: ${html}`);
  const [, attributes = '', content = ''] = found;
  const hidden: Record<string, string> = {};
  for (const [input] of content.matchAll(/<input\b[^>]*>/gi)) {
    const name = attributeOf(input, 'name');
    if (attributeOf(input, 'type') === 'hidden' && name !== undefined) hidden[name] = attributeOf(input, 'value') ?? '';
  }
  return { action: attributeOf(attributes, 'action'), hidden };
}

function attributeOf(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1];
  return value === undefined ? undefined : unescapeHtml(value);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };

function unescapeHtml(text: string): string {
  return text.replace(/&(#?\w+);/g, (entity, name: string) => ENTITIES[name.toLowerCase()] ?? entity);
}

export interface ListeningApp extends TestApp {
  /** PUBLIC_URL, at which it listens. */
  readonly url: string;
  browser(): Browser;
}

/** The app on a port of the loopback address, which its PUBLIC_URL names. */
export async function startListeningApp(t: TestScope, env: Record<string, string> = {}): Promise<ListeningApp> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const app = await startTestApp(t, { PUBLIC_URL: url, HOST: '127.0.0.1', PORT: String(port), ...env });
  await app.server.listen({ host: '127.0.0.1', port });
  return { ...app, url, browser: () => createBrowser(url) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
