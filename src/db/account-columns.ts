/** The columns of an account that requests read: all but the password's hash and the normalised keys. */
import { users } from './schema/users.js';

export const accountColumns = {
  id: users.id,
  email: users.email,
  pendingEmail: users.pendingEmail,
  username: users.username,
  displayName: users.displayName,
  avatarUrl: users.avatarUrl,
  role: users.role,
  isVerified: users.isVerified,
  isPremium: users.isPremium,
  theme: users.theme,
  notifications: users.notifications,
  language: users.language,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
  lastLoginAt: users.lastLoginAt,
  disabledAt: users.disabledAt,
  deletedAt: users.deletedAt,
};
