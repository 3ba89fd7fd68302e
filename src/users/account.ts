/** An account without its password hash. */
import type { Role } from '../authz/scopes.js';

export type Theme = 'LIGHT' | 'DARK' | 'SYSTEM';

export interface AccountRecord {
  readonly id: string;
  readonly email: string;
  readonly pendingEmail: string | null;
  readonly username: string;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  readonly role: Role;
  /** Whether the account has an authenticator app or a passkey. */
  readonly hasSecondFactor: boolean;
  readonly isVerified: boolean;
  readonly isPremium: boolean;
  readonly theme: Theme;
  readonly notifications: boolean;
  readonly language: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastLoginAt: Date | null;
  readonly disabledAt: Date | null;
  readonly deletedAt: Date | null;
}
