/** The provider's pages in Chromium, with the site of a client to which they return. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core';
import { startTestApp, type TestApp, type TestScope } from '../helpers/app.js';
import { authorizeUrl } from '../helpers/oauth-browser.js';
import { exchangeForm, postForm } from '../helpers/oauth-requests.js';
import { seedClient, type SeededClient } from '../helpers/oauth.js';
import type { OAuthClient } from '../../src/oauth/clients/client.js';
import { reverseProxy } from '../helpers/reverse-proxy.js';
import type { SeededUser } from '../helpers/seed.js';
import { listen } from '../helpers/server.js';
import { LAUNCH } from './playground.js';

export interface Visit {
  readonly page: Page;
  /** Opens an authorization request. */
  authorize(seeded: SeededClient, parameters?: Record<string, string>): Promise<void>;
  press(name: string): Promise<void>;
  /** Waits for a page with the heading. */
  heading(name: string): Promise<void>;
  /** Fills in the login form and submits it. */
  signIn(user: Pick<SeededUser, 'username' | 'password'>): Promise<void>;
  /** Waits for the site of the client. @returns the parameters of the response */
  returned(): Promise<Record<string, string>>;
  /** Console messages that show a fault of the page, and exceptions. */
  readonly problems: readonly string[];
}

export interface OAuthSite {
  readonly app: TestApp;
  readonly origin: string;
  /** A page of the client, at another origin. */
  readonly goodbye: string;
  client(overrides?: Partial<OAuthClient>): Promise<SeededClient>;
  /** Opens a new browser profile. */
  visit(t: TestScope, options?: BrowserContextOptions): Promise<Visit>;
  /** Exchanges the code of a response for tokens. */
  exchange(seeded: SeededClient, response: Record<string, string>): Promise<Record<string, string>>;
}

/** Chromium reports the status of an error page as an error of the console. */
const STATUS = /^Failed to load resource: the server responded with a status of 4\d\d /;

export async function startOAuthSite(t: TestScope, env: Record<string, string> = {}): Promise<OAuthSite> {
  const browser = await chromium.launch(LAUNCH);
  const proxy = await reverseProxy(t);
  // Browsers accept no passkeys on an IP address.
  const origin = `http://localhost:${proxy.port}`;
  const app = await startTestApp(t, { PUBLIC_URL: origin, RATE_LIMIT_ANONYMOUS: '10000/1m', ...env });
  proxy.upstreamPort = await listen(app.server);
  const site = await startSite(t);
  // Before the server's own teardown, which would wait for the connections that the browser holds open.
  t.teardown(() => browser.close());

  return {
    app,
    origin,
    goodbye: `${site}/goodbye`,
    client: (overrides) => seedClient(app, { redirectUris: [`${site}/callback`], ...overrides }),

    async visit(t, options) {
      const context = await browser.newContext(options);
      t.teardown(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      const problems: string[] = [];
      page.on('console', (message) => {
        const isFault = ['error', 'warning'].includes(message.type()) && !STATUS.test(message.text());
        if (isFault) problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(String(error)));
      const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
      return {
        page,
        problems,
        press,
        authorize: async (seeded, parameters) => void (await page.goto(origin + authorizeUrl(seeded, parameters))),
        heading: (name) => page.getByRole('heading', { name }).waitFor(),
        async signIn({ username, password }) {
          await page.getByLabel('Email address or username').fill(username);
          await page.getByLabel('Password').fill(password);
          await press('Sign in');
        },
        async returned() {
          await page.waitForURL(`${site}/callback?*`);
          await page.getByRole('heading', { name: 'The site of the client' }).waitFor();
          return Object.fromEntries(new URL(page.url()).searchParams);
        },
      };
    },

    async exchange(seeded, { code }) {
      const redirect_uri = seeded.client.redirectUris[0]!;
      const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code ?? '', { redirect_uri }));
      return body;
    },
  };
}

/** The site of a client. @returns its origin */
async function startSite(t: TestScope): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Client</title><link rel="icon" href="data:,"><h1>The site of the client</h1>');
  }).listen(0, '127.0.0.1');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
