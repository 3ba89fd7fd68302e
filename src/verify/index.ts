/** `latchkey/verify`: verifies Latchkey's access tokens and API keys in other services. It depends only on `jose`. */
export { VerificationError, type VerificationErrorCode, type VerificationErrorDetails } from './errors.js';
export { expressAuth, fastifyAuth, tokenOf } from './middleware.js';
export { ALGORITHMS, type IntrospectionOptions, type VerifierAlgorithm, type VerifierOptions } from './options.js';
export { assertScopes, hasScopes, type HasScopes, type RequiredScopes } from './scopes.js';
export type { VerifiedToken } from './verified-token.js';
export { createVerifier, type RequestDetails, type Verifier } from './verifier.js';
