/** Creates all services with their dependencies. */
import { createApiKeyFormat } from './api-keys/format.js';
import { createApiKeys } from './api-keys/service.js';
import { createVoidApiKeys } from './api-keys/void.js';
import { createChangePassword } from './passwords/change-password.js';
import { createDeletion } from './users/deletion.js';
import { createIdentities, type IdentitySettings } from './identities/create.js';
import { createVoidIdentities } from './identities/void.js';
import { createIdentifierChanges } from './identifier-changes/service.js';
import { createEmailComposer } from './notifications/service.js';
import { createLockoutNotice } from './passwords/lockout-notice.js';
import { createLogin } from './passwords/login.js';
import { createProfile } from './users/profile.js';
import { createRecovery } from './passwords/reset.js';
import { createRegistration } from './users/registration.js';
import { createVerification } from './email-verification/service.js';
import { createAdministration } from './admin/service.js';
import { createAudit } from './audit/audit.js';
import { createAuditFeed } from './audit/feed.js';
import { createScopeCatalogue } from './authz/scopes.js';
import type { Clock } from './lib/clock.js';
import type { Config } from './config/config.js';
import { createChangeTokens } from './crypto/change-token.js';
import type { PasswordHasher } from './crypto/password-hasher.js';
import { createRefreshTokens } from './crypto/refresh-token.js';
import type { Database } from './db/database.js';
import type { Events } from './events/events.js';
import { createEmailTemplates } from './mail/messages.js';
import { createOutbox } from './mail/outbox.js';
import type { IdTokenKeys } from './signing-keys/id-token-keys.js';
import { createOAuth, noteLogout } from './oauth/create.js';
import { createMailSender } from './mail/sender.js';
import type { MailTransport } from './mail/transport.js';
import { createOneTimeTokens } from './one-time-tokens/service.js';
import { createLockout } from './passwords/lockout.js';
import { createBreachCheck, type BreachCheckOutcome } from './passwords/breached.js';
import { createKnownDevices } from './known-devices/service.js';
import { createPasswordPolicy } from './passwords/policy.js';
import { createConfirmOwner } from './passwords/confirm-owner.js';
import { createConfirmPassword, createVerifyPassword } from './passwords/verify.js';
import { createRateLimits } from './rate-limits/service.js';
import { createAuthentication } from './authn/create.js';
import type { Strategy } from './authn/strategy.js';
import { createSessionListing } from './sessions/listing-repository.js';
import { createRevocation } from './sessions/revocation.js';
import { createSessions } from './sessions/service.js';
import { createSecondFactorGate } from './sessions/sign-in.js';
import { createEmailCodes } from './email-codes/service.js';
import { createEmailLogin } from './email-codes/login.js';
import { createChallenges } from './mfa/challenges/service.js';
import { createSecondFactorPolicy } from './mfa/policy.js';
import { createSecondFactors } from './mfa/create.js';
import { createServiceAccounts } from './service-accounts/service.js';
import type { AccessTokens } from './sessions/access-tokens.js';

export interface ServiceDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly clock: Clock;
  readonly events: Events;
  readonly secrets: readonly string[];
  /** The base URL of the API for clients. */
  readonly publicUrl: string;
  readonly accessTokens: AccessTokens;
  readonly idTokenKeys: IdTokenKeys;
  /** Further authentication strategies, which run before that of sessions. */
  readonly strategies: readonly Strategy[];
  readonly hasher: PasswordHasher;
  readonly mailTransport: MailTransport;
  readonly identities: IdentitySettings;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

export type CreatedServices = ReturnType<typeof createServices>;

/** Creates the services. It starts nothing. */
export function createServices(dependencies: ServiceDependencies) {
  const { config, db, clock, events, secrets, publicUrl, accessTokens, hasher, log } = dependencies;
  const { mailTransport: transport } = dependencies;
  const breachChecks = { clear: 0, found: 0, unavailable: 0 };
  const { breachedUrl: url, ...policy } = config.passwords;
  const onOutcome = (outcome: BreachCheckOutcome) => void (breachChecks[outcome] += 1);
  const passwords = createPasswordPolicy({
    ...policy,
    serviceNames: ['latchkey', config.appName, new URL(publicUrl).hostname],
    isBreached: url === undefined ? undefined : createBreachCheck({ url, onOutcome, log }),
  });
  const scopes = createScopeCatalogue(config.scopes);

  const auditLog = config.auditLog ? log : undefined;
  const audit = createAudit({ db, clock, events, retentionMs: config.auditRetentionMs, log: auditLog });
  const core = { db, clock, audit };
  const rateLimits = createRateLimits({ db, clock, audit });
  const tokens = createOneTimeTokens({ clock });
  const codes = createEmailCodes({ clock, secrets });

  const messages = createEmailTemplates({ appUrl: config.mail.appUrl ?? publicUrl });
  const changeTokens = createChangeTokens(secrets);
  const compose = createEmailComposer({ ...core, tokens, codes, changeTokens, rateLimits, messages });
  const sender = createMailSender({ db, clock, compose, transport, log });
  const outbox = createOutbox({ clock, onWake: () => void sender.deliverDue() });

  const refreshTokens = createRefreshTokens(secrets);
  const grantTokens = createRefreshTokens(secrets, 'oauth-refresh-token');
  const challenges = createChallenges({ clock });
  const secondFactorGate = createSecondFactorGate(challenges);
  const secondFactorPolicy = createSecondFactorPolicy(config.requireSecondFactor);
  const { refreshTtlMs, grantMaxTtlMs } = config.oauth;
  const lifetimes = { ...config.sessions, grants: { ttlMs: refreshTtlMs, maxTtlMs: grantMaxTtlMs } };
  const sessions = createSessions({
    ...core,
    refreshTokens,
    grantTokens,
    scopes,
    lifetimes,
    secondFactorGate,
    secondFactorPolicy,
    onEnded: noteLogout,
  });
  const { idleTtlMs } = config.sessions;
  const voidApiKeys = createVoidApiKeys(core);
  const revocation = createRevocation({ ...core, challenges, codes, voidApiKeys, idleTtlMs, onEnded: noteLogout });

  const { login: account, loginNetwork: network } = config.rateLimits;
  const devices = createKnownDevices({ db, clock });
  const onLocked = createLockoutNotice({ audit, outbox });
  const lockout = createLockout({ ...core, rateLimits, devices, onLocked, account, network });
  const verifyPassword = createVerifyPassword({ hasher, passwords });
  const confirmPassword = createConfirmPassword({ lockout, verifyPassword });
  const issuers = [...dependencies.identities.providers.values()].map(({ issuer }) => issuer);
  const ways = { emailLogin: config.accounts.emailLogin, issuers };
  const secondFactors = createSecondFactors({
    ...core,
    outbox,
    sessions,
    revocation,
    challenges,
    lockout,
    confirmPassword,
    policy: secondFactorPolicy,
    secrets,
    appName: config.appName,
    relyingParty: { ...config.webauthn, publicUrl, appUrl: config.mail.appUrl },
    ways,
    log,
  });
  const { factors, stepUpMethods, verifiers } = secondFactors;
  const confirmOwner = createConfirmOwner({ clock, confirmPassword, stepUpMethods });

  const voidIdentities = createVoidIdentities({ audit, outbox });
  const ofChanges = { changeTokens, tokens, revocation, devices, voidIdentities, outbox };
  const changes = createIdentifierChanges({ ...core, ...ofChanges });
  const verification = createVerification({ ...core, tokens, rateLimits, outbox, changes });
  const ofProofs = {
    ...core,
    sessions,
    revocation,
    hasher,
    passwords,
    tokens,
    outbox,
    changes,
    devices,
    voidIdentities,
  };
  const { restoreWindowMs, revealTakenEmails } = config.accounts;
  const ofDeletion = { revocation, tokens, outbox, confirmOwner, lockout, devices, restoreWindowMs };
  const deletion = createDeletion({ ...core, ...ofDeletion });

  const apiKeyFormat = createApiKeyFormat(config.apiKeyPrefix);
  const { strategies } = dependencies;
  const authentication = createAuthentication({
    ...core,
    accessTokens,
    apiKeyFormat,
    scopes,
    secondFactorPolicy,
    idleTtlMs,
    strategies,
  });

  const { graceMs } = lifetimes;
  const ofSessions = { idleTtlMs, graceMs, sessions, policy: secondFactorPolicy, ...authentication.ofSessions };
  const apiKeys = createApiKeys({ ...core, outbox, format: apiKeyFormat, idleTtlMs });
  const ofKeys = { keyInspection: authentication.keyInspection, revokeApiKey: apiKeys.revokePresented };
  const oauth = createOAuth({ ...dependencies, ...config.oauth, audit, scopes, rateLimits, ...ofSessions, ...ofKeys });

  const ofIdentities = { outbox, sessions, changes, ways, publicUrl, log, idleTtlMs };
  return {
    authenticator: authentication.authenticator,
    uses: authentication.uses,
    apiKeys,
    serviceAccounts: createServiceAccounts({ ...core, format: apiKeyFormat, scopes }),
    oauth,
    identities: createIdentities({ ...core, ...dependencies.identities, ...ofIdentities }),
    scopes,
    passwords,
    /** Checks for breached passwords by outcome, since the start. */
    breachChecks: breachChecks as Readonly<typeof breachChecks>,
    lockout,
    challenges,
    codes,
    ...secondFactors,
    secondFactorPolicy,
    tokens,
    sender,
    register: createRegistration({
      ...core,
      sessions,
      hasher,
      passwords,
      verification,
      outbox,
      changes,
      revealTakenEmails,
    }),
    emailLogin: createEmailLogin({ ...ofProofs, codes, lockout, isEnabled: ways.emailLogin }),
    login: createLogin({ ...core, sessions, hasher, passwords, lockout, verifyPassword }),
    updateProfile: createProfile({
      ...core,
      rateLimits,
      verification,
      outbox,
      changes,
      confirmPassword,
      stepUpMethods,
      revealTakenEmails,
    }),
    changePassword: createChangePassword({ ...ofProofs, confirmOwner }),
    recovery: createRecovery({ ...ofProofs, lockout, verifiers }),
    verification,
    changes,
    devices,
    deletion,
    sessions,
    sessionListing: createSessionListing(db.executor, clock, idleTtlMs),
    revocation,
    administration: createAdministration({ ...core, deletion, revocation, tokens, outbox, factors }),
    audit,
    feed: createAuditFeed({ events, clock, read: audit.findMany, readSince: audit.findSince }),
    accessTokens,
    rateLimits,
  };
}
