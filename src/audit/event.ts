/** Audit events: their types, and a stored event. */

export type AuditType =
  | 'account.registered'
  | 'account.updated'
  | 'account.role_changed'
  | 'account.disabled'
  | 'account.enabled'
  | 'account.deleted'
  | 'account.restored'
  | 'account.locked'
  | 'account.purged'
  | 'session.opened'
  | 'session.refreshed'
  | 'session.ended'
  | 'session.revoked'
  | 'session.reauthenticated'
  | 'session.reuse_detected'
  | 'session.refresh_replayed'
  | 'login.failed'
  | 'login.throttled'
  | 'request.throttled'
  | 'password.changed'
  | 'password.reset_requested'
  | 'password.reset'
  | 'email.verification_requested'
  | 'email.change_requested'
  | 'email.changed'
  | 'email.change_cancelled'
  | 'email.verified'
  | 'email.rejected'
  | 'email_code.requested'
  | 'username.change_cancelled'
  | 'totp.added'
  | 'totp.removed'
  | 'passkey.added'
  | 'passkey.removed'
  | 'passkey.renamed'
  | 'passkey.counter_regressed'
  | 'recovery_codes.created'
  | 'recovery_code.used'
  | 'second_factor.used'
  | 'second_factor.failed'
  | 'second_factors.reset'
  | 'second_factors.voided'
  | 'identity.linked'
  | 'identity.unlinked'
  | 'identities.voided'
  | 'oauth_client.created'
  | 'oauth_client.registered'
  | 'oauth_client.auth_failed'
  | 'oauth_client.updated'
  | 'oauth_client.disabled'
  | 'oauth_client.enabled'
  | 'oauth_client.deleted'
  | 'oauth_client.secret_rotated'
  | 'oauth_client.grants_ended'
  | 'oauth_client.grants_narrowed'
  | 'oauth_client.logout_undelivered'
  | 'app.revoked'
  | 'oauth_device.approved'
  | 'oauth_device.denied'
  | 'grant.created'
  | 'grant.revoked'
  | 'grant.code_reuse_detected'
  | 'app.authorized'
  | 'app.denied'
  | 'api_key.created'
  | 'api_key.rotated'
  | 'api_key.revoked'
  | 'service_account.created'
  | 'service_account.updated'
  | 'service_account.disabled'
  | 'service_account.enabled'
  | 'service_account.deleted';

/** The kinds of subjects that act. */
export type ActorKind = 'user' | 'service-account';

export interface AuditRecord {
  readonly id: string;
  readonly type: string;
  readonly userId: string | null;
  readonly actorId: string | null;
  /** Null without an actor, and in events of older releases, whose actors are accounts. */
  readonly actorKind: ActorKind | null;
  readonly sessionId: string | null;
  readonly serviceAccountId: string | null;
  readonly apiKeyId: string | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly detail: string | null;
  readonly createdAt: Date;
}

/** The event types that change the fields of `me`. Logins and sessions are not among them. */
export const CHANGES_ACCOUNT: ReadonlySet<string> = new Set<AuditType>([
  'account.registered',
  'account.updated',
  'account.role_changed',
  'account.disabled',
  'account.enabled',
  'account.restored',
  'email.change_requested',
  'email.changed',
  'email.change_cancelled',
  'email.verified',
  'username.change_cancelled',
  'email.rejected',
  'totp.added',
  'totp.removed',
  'passkey.added',
  'passkey.removed',
  'recovery_codes.created',
  'recovery_code.used',
  'second_factors.reset',
  'second_factors.voided',
  'identity.linked',
  'identity.unlinked',
  'identities.voided',
  'api_key.created',
  'api_key.rotated',
  'api_key.revoked',
]);

/**
 * An event as the account's owner may see it. It hides the IP address and user agent of other people: administrators, and
 * owners of an address that another person registered with.
 */
export function seenByOwner(record: AuditRecord): AuditRecord {
  const isByOther = record.actorId !== null && record.actorId !== record.userId;
  return isByOther || record.type === 'email.rejected' ? { ...record, ipAddress: null, userAgent: null } : record;
}
