/** An account as the house passes it around: everything but the password's hash. */
import type { Role } from '../authz/scopes.js';

export type Theme = 'LIGHT' | 'DARK' | 'SYSTEM';

/** Who an account is, and whether it may act: what every request needs of it, and many need no more. */
export interface AccountCore {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly role: Role;
  readonly disabledAt: Date | null;
  readonly deletedAt: Date | null;
}

export interface AccountRecord extends AccountCore {
  readonly pendingEmail: string | null;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  readonly isVerified: boolean;
  readonly isPremium: boolean;
  readonly theme: Theme;
  readonly notifications: boolean;
  readonly language: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastLoginAt: Date | null;
}

/** How much of an account is read. */
export type AccountExtent = 'core' | 'whole';
