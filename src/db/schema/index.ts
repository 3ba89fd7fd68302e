/** All tables. drizzle-kit generates the migrations from this module. */
export { auditEvents } from './audit-events.js';
export { emailCodes } from './email-codes.js';
export { identifierChanges } from './identifier-changes.js';
export { knownDevices } from './known-devices.js';
export { mailOutbox } from './mail-outbox.js';
export { oneTimeTokens } from './one-time-tokens.js';
export { passkeyChallenges, passkeys } from './passkeys.js';
export { passwordAttempts } from './password-attempts.js';
export { rateLimits } from './rate-limits.js';
export { recoveryCodes } from './recovery-codes.js';
export { secondFactorChallenges } from './second-factor-challenges.js';
export { sessions } from './sessions.js';
export { signingKeys } from './signing-keys.js';
export { totpEnrollments, totpFactors } from './totp.js';
export { usedOneTimeTokens } from './used-one-time-tokens.js';
export { users } from './users.js';
