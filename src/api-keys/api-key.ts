/** An API key: a delegated credential of an account or a service account. */
import type { AccountRecord } from '../users/account.js';

/** A key as its owner and administrators see it. */
export interface ApiKeyRecord {
  readonly id: string;
  readonly userId: string | null;
  readonly serviceAccountId: string | null;
  readonly name: string;
  /** The public part: prefix and id. */
  readonly prefix: string;
  readonly scopes: string[];
  /** In CIDR notation; empty for all. */
  readonly networks: string[];
  readonly createdAt: Date;
  readonly rotatedAt: Date;
  /** The end of the overlap of the last rotation. */
  readonly previousUntil: Date | null;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** What authentication reads of a key. Exactly one of `account` and `serviceAccount` is set. */
export interface PresentedKey {
  readonly key: Pick<ApiKeyRecord, 'id' | 'scopes' | 'networks' | 'expiresAt' | 'lastUsedAt' | 'previousUntil'> & {
    readonly secretHash: string;
    readonly previousHash: string | null;
    readonly revokedAt: Date | null;
  };
  readonly account: AccountRecord | null;
  readonly serviceAccount: { readonly id: string; readonly scopes: string[]; readonly disabledAt: Date | null } | null;
}

/** A key with its text, which is shown once. */
export interface CreatedApiKey {
  readonly apiKey: ApiKeyRecord;
  readonly key: string;
}

/** The owner of a key. */
export type KeyOwner = { readonly userId: string } | { readonly serviceAccountId: string };
