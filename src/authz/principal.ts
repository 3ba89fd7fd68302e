/**
 * The principal: the authenticated caller of a request, whatever credential it presented. Directives and services decide by
 * the principal alone.
 */
import type { Role } from './scopes.js';

/** The account behind a principal, as read for this request. */
export interface PrincipalUser {
  readonly id: string;
  readonly role: Role;
}

/** A person, or a service account, which has no profile and no sessions. */
export type Subject<User extends PrincipalUser = PrincipalUser> =
  { readonly kind: 'user'; readonly user: User } | { readonly kind: 'service-account'; readonly id: string };

/** The kinds of credentials. Only `session` is the person's own; the others are delegated. */
export type CredentialKind = 'session' | 'api-key' | 'oauth';

export interface Credential {
  readonly kind: CredentialKind;
  /** The id of the session, API key or OAuth grant. */
  readonly id: string;
  /** When it expires, in milliseconds since the epoch; Infinity if it does not. */
  readonly expiresAt: number;
}

export interface Principal<User extends PrincipalUser = PrincipalUser> {
  readonly subject: Subject<User>;
  readonly credential: Credential;
  /** The scopes of the credential; never more than its subject has at this moment. */
  readonly scopes: ReadonlySet<string>;
  /** The last authentication of the person, in milliseconds since the epoch; null for a delegated credential. */
  readonly authenticatedAt: number | null;
  /** The account must have a second factor and has none: the credential may only enrol one. */
  readonly mustEnroll?: boolean;
  /** Methods of that authentication: values of RFC 8176, or `email` for a mailed link. */
  readonly methods: readonly string[];
}

/** A subject without its account: what rate limits and the log need. */
export interface SubjectRef {
  readonly kind: Subject['kind'];
  readonly id: string;
}

/** The id of the user or service account. */
export function subjectId({ subject }: Principal): string {
  return subject.kind === 'user' ? subject.user.id : subject.id;
}

export function subjectRef(principal: Principal): SubjectRef {
  return { kind: principal.subject.kind, id: subjectId(principal) };
}

/** The field of a log line that names the subject; none without one. */
export function subjectFields(subject: SubjectRef | null | undefined): Readonly<Record<string, string>> {
  if (!subject) return {};
  return subject.kind === 'user' ? { userId: subject.id } : { serviceAccountId: subject.id };
}
