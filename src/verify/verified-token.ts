/** An access token or an API key that was verified: who sends the request, and what they may do. */
export interface VerifiedToken {
  readonly kind: 'access-token' | 'api-key';
  /** `sub`: the id of the account or service account. */
  readonly subject: string;
  /** `sid`: the session; undefined for tokens without one, and for API keys. */
  readonly sessionId: string | undefined;
  /** `client_id`: the application that the token was issued to; undefined for API keys. */
  readonly clientId: string | undefined;
  readonly scopes: ReadonlySet<string>;
  /** Undefined for an API key that does not expire. */
  readonly expiresAt: Date | undefined;
  /** Every claim of the token, or every member of the introspection response about the key. */
  readonly claims: Readonly<Record<string, unknown>>;
}
