/** The package `latchkey`: the Fastify plugin, the API for other servers, and their types. */
export {
  createLatchkey,
  type AuthenticateOptions,
  type Latchkey,
  type LatchkeyOptions,
  type Route,
} from './api/embedded.js';
export type { AccountPrincipal as Principal } from './authn/strategy.js';
export { ConfigError } from './config/config.js';
export type { Resolver, ResolverContext, ResolverMap, SubscriptionResolver } from './graphql/extension.js';
export { AppError, type ErrorCode, type ErrorDetails } from './lib/errors.js';
export { latchkey, latchkey as default, type LatchkeyGuard, type LatchkeyPluginOptions } from './plugin.js';
