/**
 * Profiles of Discord.
 * @see https://docs.discord.com/developers/resources/user#user-object
 */
import type { ProfileSource, RawProfile } from './oauth2.js';

const AVATARS = 'https://cdn.discordapp.com/avatars';
const SNOWFLAKE = /^\d{1,20}$/;
/** Animated ones begin with `a_`. */
const HASH = /^\w{1,64}$/;

export function readDiscordProfile({ profile }: ProfileSource): RawProfile {
  const { id, avatar } = profile;
  const hasAvatar = typeof id === 'string' && SNOWFLAKE.test(id) && typeof avatar === 'string' && HASH.test(avatar);
  return {
    subject: id,
    username: profile['username'],
    displayName: profile['global_name'],
    avatarUrl: hasAvatar ? `${AVATARS}/${id}/${avatar}.png` : null,
    email: profile['verified'] === true ? profile['email'] : null,
  };
}
