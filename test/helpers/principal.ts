/** Principals for each kind of credential. */
import type { CredentialKind, Principal, Subject } from '../../src/authz/principal.js';
import type { AccountPrincipal } from '../../src/authn/strategy.js';
import type { AccountRecord } from '../../src/users/account.js';

/** An account that is not stored. */
export function account(id: string): AccountRecord {
  return {
    id,
    email: `${id}@example.com`,
    pendingEmail: null,
    username: id,
    displayName: null,
    avatarUrl: null,
    role: 'USER',
    hasSecondFactor: false,
    isVerified: true,
    isPremium: false,
    theme: 'SYSTEM',
    notifications: true,
    language: 'en',
    createdAt: new Date(0),
    updatedAt: new Date(0),
    lastLoginAt: null,
    disabledAt: null,
    deletedAt: null,
  };
}

export interface PrincipalParams {
  readonly id?: string;
  readonly kind?: CredentialKind;
  readonly scopes?: Iterable<string>;
  readonly expiresAt?: number;
  readonly authenticatedAt?: number;
}

/** A user with a credential. Credentials other than `session` are delegated and have no authentication time. */
export function userPrincipal({
  id = 'u',
  kind = 'session',
  scopes = [],
  expiresAt = Infinity,
  authenticatedAt = 0,
}: PrincipalParams = {}): AccountPrincipal {
  return withSubject({ kind: 'user', user: account(id) }, kind, scopes, expiresAt, authenticatedAt);
}

/** A service account with an API key. */
export function servicePrincipal(scopes: Iterable<string> = []): AccountPrincipal {
  return withSubject({ kind: 'service-account', id: 'service' }, 'api-key', scopes, Infinity, 0);
}

function withSubject(
  subject: Subject<AccountRecord>,
  kind: CredentialKind,
  scopes: Iterable<string>,
  expiresAt: number,
  authenticatedAt: number,
): Principal<AccountRecord> {
  const isSession = kind === 'session';
  return {
    subject,
    credential: { kind, id: `${kind} of ${subject.kind}`, expiresAt },
    scopes: new Set(scopes),
    authenticatedAt: isSession ? authenticatedAt : null,
    methods: isSession ? ['pwd'] : [],
  };
}
