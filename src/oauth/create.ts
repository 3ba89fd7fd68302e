/** Creates the services of the OAuth 2.0 and OpenID Connect provider with their dependencies. */
import type { Clock } from '../lib/clock.js';
import { createAuthorizationCodes } from './codes/service.js';

export interface OAuthOptions {
  readonly clock: Clock;
}

export function createOAuth({ clock }: OAuthOptions) {
  return { authorizationCodes: createAuthorizationCodes({ clock }) };
}
