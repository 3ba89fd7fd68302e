/** An identity provider that tests control, and the browser that goes there and back. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { PlexTokens } from '../../src/identities/login.js';
import type { IdentitySettings } from '../../src/identities/create.js';
import {
  IdentityProviderError,
  type IdentityProfile,
  type IdentityProvider,
  type ProviderCallback,
} from '../../src/identities/provider.js';
import { startTestApp, type TestApp, type TestScope } from './app.js';
import type { Database } from '../../src/db/database.js';
import { codeChallenge, VERIFIER } from './pkce.js';
import type { SeededUser } from './seed.js';

export const RETURN_TO = 'https://app.test/welcome';

export interface FakeProvider extends IdentityProvider {
  /** Whom the next callback identifies, or why it fails. */
  person: IdentityProfile | IdentityProviderError;
  /** All callbacks. */
  readonly callbacks: ProviderCallback[];
  /** Replaces what `start` does. */
  startError: IdentityProviderError | undefined;
}

/** A person whom no account has yet. */
export function newPerson(person: Partial<IdentityProfile> = {}): IdentityProfile {
  return {
    issuer: 'https://idp.test',
    subject: randomUUID(),
    email: null,
    username: null,
    displayName: null,
    avatarUrl: null,
    ...person,
  };
}

export function fakeProvider(id: string, more: Partial<IdentityProvider> = {}): FakeProvider {
  const callbacks: ProviderCallback[] = [];
  return {
    id,
    name: id.toUpperCase(),
    kind: 'oidc',
    issuer: 'https://idp.test',
    postsCallback: false,
    person: newPerson(),
    callbacks,
    startError: undefined,
    async start(redirectUri, state) {
      if (this.startError) throw this.startError;
      const url = new URL('https://idp.test/authorize');
      url.search = new URLSearchParams({ redirect_uri: redirectUri, state }).toString();
      return { url: url.href, parameters: { nonce: `nonce of ${state}` } };
    },
    async finish(callback) {
      callbacks.push(callback);
      if (this.person instanceof IdentityProviderError) throw this.person;
      return this.person;
    },
    ...more,
  };
}

export interface IdentityApp extends TestApp {
  readonly provider: FakeProvider;
  readonly other: FakeProvider;
  readonly posting: FakeProvider;
}

/** An app with the providers `idp`, `other` and `posting`, which answers with a form. */
export async function startIdentityApp(
  t: TestScope,
  env: Record<string, string> = {},
  { db, plexTokens }: { readonly db?: Database; readonly plexTokens?: PlexTokens } = {},
): Promise<IdentityApp> {
  const [provider, other] = [fakeProvider('idp'), fakeProvider('other')];
  const posting = fakeProvider('posting', { postsCallback: true });
  const identities: IdentitySettings = {
    providers: new Map([provider, other, posting].map((each) => [each.id, each])),
    returnToOrigins: new Set(['https://app.test', 'com.example.app:']),
    plexTokens,
  };
  const app = await startTestApp(t, env, db, undefined, [], identities);
  return { ...app, provider, other, posting };
}

export const START = `mutation ($input: StartIdentityLoginInput!) { startIdentityLogin(input: $input) { url expiresAt } }`;
export const FINISH = `mutation ($input: FinishIdentityLoginInput!) { finishIdentityLogin(input: $input) {
  accessToken refreshToken user { id email username displayName avatarUrl isVerified } } }`;
export const START_LINK = `mutation ($input: StartIdentityLinkInput!) { startIdentityLink(input: $input) { url expiresAt } }`;
export const FINISH_LINK = `mutation ($code: String!, $codeVerifier: String) {
  finishIdentityLink(code: $code, codeVerifier: $codeVerifier) { id provider subject displayName createdAt lastUsedAt } }`;
export const UNLINK = 'mutation ($id: ID!) { unlinkIdentity(id: $id) }';

/** A browser with the cookie of identity flows. */
export interface FlowBrowser {
  readonly cookies: Map<string, string>;
  /** Requests a URL; returns the status and where it redirects. */
  get(url: string): Promise<{ readonly status: number; readonly location: URL | undefined; readonly body: string }>;
  post(url: string, form: Record<string, string>): ReturnType<FlowBrowser['get']>;
}

export function flowBrowser(server: FastifyInstance): FlowBrowser {
  const cookies = new Map<string, string>();
  async function send(method: 'GET' | 'POST', url: string, form?: Record<string, string>) {
    const { pathname, search } = new URL(url, 'http://auth.test');
    // A browser leaves a Lax cookie out of a form that another site posts.
    const cookie = method === 'POST' ? '' : [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await server.inject({
      method,
      url: pathname + search,
      headers: {
        ...(cookie === '' ? {} : { cookie }),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(form ? { payload: new URLSearchParams(form).toString() } : {}),
    });
    for (const { name, value } of response.cookies) cookies.set(name, value);
    const { location } = response.headers;
    const base = `http://auth.test${pathname}`;
    return {
      status: response.statusCode,
      location: location === undefined ? undefined : new URL(location, base),
      body: response.body,
    };
  }
  return { cookies, get: (url) => send('GET', url), post: (url, form) => send('POST', url, form) };
}

/** Starts a sign-in and lets a browser go to the provider; returns the state. */
export async function goToProvider(app: IdentityApp, provider = 'idp', browser = flowBrowser(app.server)) {
  const input = { provider, returnTo: RETURN_TO, codeChallenge: codeChallenge() };
  const { data } = await app.client().send(START, { input });
  const start = data!['startIdentityLogin'].url as string;
  const { location } = await browser.get(start);
  return { browser, start, state: location!.searchParams.get('state')! };
}

/** Comes back from the provider. */
export async function comeBack(browser: FlowBrowser, state: string, provider = 'idp', code = 'code') {
  return browser.get(`/identities/callback/${provider}?${new URLSearchParams({ code, state }).toString()}`);
}

/** The code of a sign-in at the provider, by a browser. */
export async function identityCode(app: IdentityApp, provider = 'idp'): Promise<string> {
  const { browser, state } = await goToProvider(app, provider);
  return (await comeBack(browser, state, provider)).location!.searchParams.get('code')!;
}

/** Signs in with the person of the provider. */
export async function signInWithIdentity(app: IdentityApp, provider = 'idp', more: object = {}) {
  const code = await identityCode(app, provider);
  return app.client().send(FINISH, { input: { code, codeVerifier: VERIFIER, ...more } });
}

/** The code with which a user links the person of the provider. */
export async function linkCode(app: IdentityApp, user: Pick<SeededUser, 'client'>, provider = 'idp'): Promise<string> {
  const { data } = await user.client.send(START_LINK, { input: { provider, returnTo: RETURN_TO } });
  const browser = flowBrowser(app.server);
  const { location } = await browser.get(data!['startIdentityLink'].url as string);
  const back = await comeBack(browser, location!.searchParams.get('state')!, provider);
  return back.location!.searchParams.get('code')!;
}
