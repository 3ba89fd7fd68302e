/** `latchkey/verify`: for services that accept Latchkey's access tokens. Needs `jose` and nothing else of this package. */
export { VerificationError, type VerificationErrorCode, type VerificationErrorDetails } from './errors.js';
export { expressAuth, fastifyAuth, tokenOf } from './middleware.js';
export { assertScopes, hasScopes, type RequiredScopes } from './scopes.js';
export { ALGORITHMS, createVerifier } from './verifier.js';
export type { VerifiedToken, Verifier, VerifierAlgorithm, VerifierOptions } from './verifier.js';
