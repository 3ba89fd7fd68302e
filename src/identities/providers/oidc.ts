/**
 * OpenID providers (OpenID Connect Core 1.0, Discovery 1.0, RFC 9207). The issuer is that of the configuration: a discovery document or
 * an ID token of another one is refused. The ID token must be signed with a published key, although it comes by TLS.
 */
import {
  allowInsecureRequests,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  randomNonce,
  type Configuration,
  type IDToken,
} from 'openid-client';
import type { OidcSettings } from '../../config/identity-provider-settings.js';
import type { Clock } from '../../lib/clock.js';
import { isLoopbackUrl } from '../../lib/guarded-fetch.js';
import type { JsonObject } from '../../lib/json.js';
import type { IdentityProvider } from '../provider.js';
import { appleName, createAppleSecret } from './apple.js';
import { clientAuthentication, customFetchOf, exchangeCode, startCodeFlow } from './client.js';
import type { ClientDependencies } from './client.js';
import { providerFailed, runStep } from './failure.js';
import { createRenewed } from './renewed.js';

export interface OidcDependencies extends ClientDependencies {
  readonly clock: Clock;
}

/** How far the clocks of the two servers may be apart, in seconds. */
const TOLERANCE_S = 60;

export function createOidcProvider(settings: OidcSettings, dependencies: OidcDependencies): IdentityProvider {
  const { id, name, kind, issuer, clientId, scopes, trustEmail } = settings;
  const { clock, timeoutMs } = dependencies;
  const configuration = createRenewed(clock, () => discover(settings, dependencies));
  const apple = settings.clientAuthentication.method === 'apple' ? settings.clientAuthentication : undefined;
  const appleSecret = apple && createAppleSecret(apple, clientId, issuer);
  const isTrue = (claim: unknown) => claim === true || (apple !== undefined && claim === 'true');

  /** The claims of the userinfo endpoint, if the ID token lacks some that a profile needs. */
  async function furtherClaims(config: Configuration, accessToken: string, claims: IDToken): Promise<JsonObject> {
    const lacksEmail = trustEmail && scopes.includes('email') && !hasEmail(claims);
    const lacksName = usernameOf(claims) === null && textOf(claims['name']) === null;
    if (config.serverMetadata().userinfo_endpoint === undefined || !(lacksEmail || lacksName)) return {};
    return fetchUserInfo(config, accessToken, claims.sub);
  }

  return {
    ...{ id, name, kind, issuer },
    postsCallback: apple !== undefined,

    start: (redirectUri, state) =>
      runStep(timeoutMs, async () => {
        const nonce = randomNonce();
        const mode = apple ? { response_mode: 'form_post' } : {};
        const request = { redirect_uri: redirectUri, state, nonce, ...mode };
        const { url, parameters } = await startCodeFlow(await configuration(), scopes, request);
        return { url, parameters: { ...parameters, nonce } };
      }),

    finish: (callback) =>
      runStep(timeoutMs, async () => {
        const { nonce } = callback.parameters;
        if (nonce === undefined) throw providerFailed('The flow was started with a provider of another kind.');
        const config = await configuration();
        const secret = appleSecret && { client_secret: await appleSecret() };
        const tokens = await exchangeCode(config, callback, nonce, secret);
        const claims = tokens.claims()!;
        checkClaims(claims, clientId);
        const further = await furtherClaims(config, tokens.access_token, claims);
        // Address and verification are claims of one source, never of two.
        const { email, email_verified: verified } = hasEmail(claims) ? claims : further;
        return {
          issuer,
          subject: claims.sub,
          email: trustEmail && isTrue(verified) ? textOf(email) : null,
          username: usernameOf(claims) ?? usernameOf(further),
          displayName: textOf(claims['name']) ?? textOf(further['name']) ?? (apple ? appleName(callback.url) : null),
          avatarUrl: textOf(claims['picture']) ?? textOf(further['picture']),
        };
      }),
  };
}

/** Fetches the discovery document of the configured issuer. The keys are fetched when they are needed, and kept for five minutes. */
async function discover(settings: OidcSettings, { fetch }: OidcDependencies): Promise<Configuration> {
  const { issuer, clientId, clientAuthentication: authentication } = settings;
  const config = await discovery(
    new URL(issuer),
    clientId,
    { [clockTolerance]: TOLERANCE_S },
    clientAuthentication(authentication),
    {
      [customFetch]: customFetchOf(fetch),
      // The guarded fetch permits http for loopback addresses only.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      execute: [enableNonRepudiationChecks, ...(isLoopbackUrl(issuer) ? [allowInsecureRequests] : [])],
    },
  );
  const metadata = config.serverMetadata();
  // openid-client tolerates a slash at the end, and the template that Microsoft has for all tenants.
  if (metadata.issuer !== issuer)
    throw providerFailed('The discovery document names another issuer than the configured one.');
  const authorization = new URL(metadata.authorization_endpoint ?? '');
  if (authorization.protocol !== 'https:' && !isLoopbackUrl(authorization))
    throw providerFailed('The authorization endpoint is not https.');
  return config;
}

/** What openid-client leaves to the client. */
function checkClaims({ iat, azp }: IDToken, clientId: string): void {
  if (iat > Date.now() / 1000 + TOLERANCE_S) throw providerFailed('The ID token was issued in the future.');
  if (azp !== undefined && azp !== clientId) throw providerFailed('The ID token was issued to another client.');
}

const hasEmail = (claims: JsonObject): boolean =>
  claims['email'] !== undefined && claims['email_verified'] !== undefined;

const textOf = (claim: unknown): string | null => (typeof claim === 'string' ? claim : null);

/** GitLab has `nickname`. */
const usernameOf = (claims: JsonObject): string | null =>
  textOf(claims['preferred_username']) ?? textOf(claims['nickname']);
