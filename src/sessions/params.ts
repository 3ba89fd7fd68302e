/** What opens a session: its parameters, and the proof of the person. */
import type { ClientInfo } from '../lib/client-info.js';

/** Parameters of a new session. */
export interface SessionParams {
  readonly client: ClientInfo;
  readonly rememberMe: boolean;
  /** How the client gets the refresh token; BODY if left out. */
  readonly transport?: 'BODY' | 'COOKIE';
  /** The grant to an OAuth client; left out for a first-party session. */
  readonly grant?: GrantParams;
}

/** What a person granted to an OAuth client. */
export interface GrantParams {
  /** The id of the session that opens. */
  readonly id: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Resource indicators (RFC 8707). */
  readonly resources: readonly string[];
  readonly browserSessionId: string;
  /** When the person authenticated in the browser session. */
  readonly authenticatedAt: Date;
}

/** How the person authenticated. */
export interface Proof {
  /** For the audit log. */
  readonly by:
    'register' | 'login' | 'passkey' | 'password reset' | 'email code' | 'identity provider' | 'authorization';
  /** Authentication methods: values of RFC 8176, `email` for a mailed link, or `fed` for an identity at another provider. Two proved factors include `mfa`. */
  readonly methods: readonly string[];
}

export const REGISTRATION: Proof = { by: 'register', methods: ['pwd'] };
export const PASSWORD: Proof = { by: 'login', methods: ['pwd'] };
export const EMAIL_CODE: Proof = { by: 'email code', methods: ['email'] };
export const MAILED_LINK: Proof = { by: 'password reset', methods: ['email'] };
/** RFC 8176 has no value for a sign-in at another provider. */
export const IDENTITY: Proof = { by: 'identity provider', methods: ['fed'] };
