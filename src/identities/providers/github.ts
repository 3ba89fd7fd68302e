/**
 * Profiles of GitHub and GitHub Enterprise Server.
 * @see https://docs.github.com/en/rest/users/users
 */
import { isJsonObject } from '../../lib/json.js';
import type { ProfileSource, RawProfile } from './oauth2.js';

/** With either of them, GitHub answers the request for addresses. */
const EMAIL_SCOPES = ['user:email', 'user'];

/** The address of the profile is the public one, which need not be verified; the primary one comes from the email endpoint. */
export async function readGitHubProfile({ profile, settings, get }: ProfileSource): Promise<RawProfile> {
  const { trustEmail, scopes, profileEndpoint } = settings;
  const asks = trustEmail && EMAIL_SCOPES.some((scope) => scopes.includes(scope));
  return {
    subject: profile['id'],
    username: profile['login'],
    displayName: profile['name'],
    avatarUrl: profile['avatar_url'],
    email: asks ? primaryAddress(await get(`${profileEndpoint}/emails?per_page=100`)) : null,
  };
}

function primaryAddress(addresses: unknown): unknown {
  const list: readonly unknown[] = Array.isArray(addresses) ? addresses : [];
  const primary = list.find((each) => isJsonObject(each) && each['primary'] === true && each['verified'] === true);
  return isJsonObject(primary) ? primary['email'] : null;
}
