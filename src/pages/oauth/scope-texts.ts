/** Scopes in plain words, for the consent page. */

const TEXTS: Readonly<Record<string, string>> = {
  openid: 'Know who you are: a number that identifies your account',
  profile: 'See your username, display name and picture',
  email: 'See your email address',
  offline_access: 'Keep this access when you are not using the application',
  'read:content': 'Browse content for you',
  'read:profile': 'See your profile and preferences',
  'write:profile': 'Change your profile and preferences',
  'read:history': 'See your history',
  admin: 'Administer this service, including the accounts of other people',
};

/** A scope of the deployment is shown by its name. */
export function scopeText(scope: string): string {
  return TEXTS[scope] ?? `Use the permission “${scope}”`;
}
