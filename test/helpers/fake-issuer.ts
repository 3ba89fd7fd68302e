/** An OpenID provider on loopback whose every answer a test can change, and sign-ins there without a browser. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { loadConfig } from '../../src/config/config.js';
import { createIdentityProviders, type IdentityProviderDependencies } from '../../src/identities/providers/create.js';
import type { IdentityProfile, IdentityProvider } from '../../src/identities/provider.js';
import type { TestScope } from './app.js';
import { testClock } from './clock.js';

export const CALLBACK = 'https://auth.example.test/identities/callback/idp';
export const CLIENT = { clientId: 'latchkey', clientSecret: 'TheSecretOfTheClient' };

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly form: URLSearchParams;
}
export type Answer = (response: ServerResponse, request: ReceivedRequest) => unknown;

export interface FakeServer {
  readonly url: string;
  /** All requests. */
  readonly requests: ReceivedRequest[];
  /** By path. */
  readonly answers: Map<string, Answer>;
}

/** A server with an answer for each path, 404 without one. */
export async function startFakeServer(t: TestScope): Promise<FakeServer> {
  const requests: ReceivedRequest[] = [];
  const answers = new Map<string, Answer>();
  const server = createServer(async (message, response) => {
    const body = Buffer.concat(await message.toArray()).toString();
    const path = new URL(message.url!, 'http://127.0.0.1').pathname;
    const request = { path, headers: message.headers, form: new URLSearchParams(body) };
    requests.push(request);
    const answer = answers.get(path) ?? ((other) => other.writeHead(404).end());
    await answer(response, request);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, answers };
}

/** Answers with JSON. A text is sent as it is. */
export const json =
  (body: unknown, status = 200, type = 'application/json'): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body));

export interface FakeIssuer extends FakeServer {
  /** Change the discovery document; undefined leaves a member out. */
  readonly metadata: Record<string, unknown>;
  /** Change the claims of ID tokens. */
  readonly claims: Record<string, unknown>;
  /** Change the parameters of the callback. */
  callback: Record<string, string | undefined>;
  readonly userinfo: Record<string, unknown>;
  /** Makes the ID token of its claims. */
  idToken: (claims: Record<string, unknown>, key: SigningKey) => Promise<string> | string;
  /** Signs with a new key from now on, and publishes only that. */
  rotate(): Promise<void>;
  /** Signs in with a provider, and returns the profile. */
  signIn(provider: IdentityProvider): Promise<IdentityProfile>;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

let keys = 0;
export async function newKey(alg = 'RS256'): Promise<SigningKey> {
  keys += 1;
  const kid = `key-${keys}`;
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export const signed = (claims: Record<string, unknown>, { kid, privateKey }: SigningKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey);

/** The values without those that are undefined. */
const present = (values: object) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

export async function startFakeIssuer(t: TestScope): Promise<FakeIssuer> {
  const server = await startFakeServer(t);
  const { url, answers } = server;
  let key = await newKey();
  /** By code. */
  const authorizations = new Map<string, URLSearchParams>();

  const issuer: FakeIssuer = {
    ...server,
    metadata: {},
    claims: {},
    callback: {},
    userinfo: { sub: 'ada-1' },
    idToken: signed,
    async rotate() {
      key = await newKey();
    },
    async signIn(provider) {
      const state = 'the-state';
      const { url: authorization, parameters } = await provider.start(CALLBACK, state);
      const code = `code-${authorizations.size}`;
      authorizations.set(code, new URL(authorization).searchParams);
      const callback = new URL(CALLBACK);
      callback.search = new URLSearchParams(present({ code, state, iss: url, ...issuer.callback })).toString();
      return provider.finish({ url: callback, redirectUri: CALLBACK, state, parameters });
    },
  };

  answers.set('/.well-known/openid-configuration', (response, request) => {
    const metadata = {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/keys`,
      userinfo_endpoint: `${url}/userinfo`,
      authorization_response_iss_parameter_supported: true,
      ...issuer.metadata,
    };
    return json(present(metadata))(response, request);
  });
  answers.set('/keys', (...args) => json({ keys: [key.publicJwk] })(...args));
  answers.set('/userinfo', (...args) => json(present(issuer.userinfo))(...args));
  answers.set('/token', async (response, request) => {
    const { form } = request;
    const authorization = authorizations.get(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    authorizations.delete(form.get('code') ?? '');
    if (authorization?.get('code_challenge') !== challenge || form.get('redirect_uri') !== CALLBACK)
      return json({ error: 'invalid_grant' }, 400)(response, request);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: url, sub: 'ada-1', aud: CLIENT.clientId, iat: now, exp: now + 300 },
      ...{ nonce: authorization.get('nonce'), name: 'Ada L.', preferred_username: 'ada' },
      ...{ email: 'ada@example.com', email_verified: true, picture: 'https://idp.test/ada.png' },
      ...issuer.claims,
    };
    const id_token = await issuer.idToken(present(claims), key);
    return json({ access_token: 'the-access-token', token_type: 'Bearer', id_token })(response, request);
  });
  return issuer;
}

/** A provider of the configuration. */
export function providerOf(entry: object, options: Partial<IdentityProviderDependencies> = {}): IdentityProvider {
  const entries = [{ id: 'idp', ...entry }];
  const { identities } = loadConfig({ IDENTITY_PROVIDERS: JSON.stringify(entries) });
  const plex = { clientIdentifier: 'x', product: 'x', serverId: undefined, serverOwnerId: undefined };
  return createIdentityProviders(identities.providers, { clock: testClock(), plex, ...options }).get('idp')!;
}

/** An OpenID provider at the issuer, whose addresses are believed. */
export function oidcProviderOf(
  { url }: Pick<FakeServer, 'url'>,
  entry: object = {},
  options: Partial<IdentityProviderDependencies> = {},
) {
  return providerOf({ kind: 'oidc', name: 'IdP', issuer: url, trustEmail: true, ...CLIENT, ...entry }, options);
}
