/** `latchkey/verify`: verifies Latchkey's access tokens in other services. It depends only on `jose`. */
export { VerificationError, type VerificationErrorCode, type VerificationErrorDetails } from './errors.js';
export { expressAuth, fastifyAuth, tokenOf } from './middleware.js';
export { assertScopes, hasScopes, type RequiredScopes } from './scopes.js';
export { ALGORITHMS, createVerifier } from './verifier.js';
export type { VerifiedToken, Verifier, VerifierAlgorithm, VerifierOptions } from './verifier.js';
