/** The account columns that requests read: all except the password hash and the normalised keys. */
import { users } from './schema/users.js';

export const accountColumns = {
  id: users.id,
  email: users.email,
  username: users.username,
  role: users.role,
  disabledAt: users.disabledAt,
  deletedAt: users.deletedAt,
  pendingEmail: users.pendingEmail,
  displayName: users.displayName,
  avatarUrl: users.avatarUrl,
  hasSecondFactor: users.hasSecondFactor,
  isVerified: users.isVerified,
  isPremium: users.isPremium,
  theme: users.theme,
  notifications: users.notifications,
  language: users.language,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
  lastLoginAt: users.lastLoginAt,
};
