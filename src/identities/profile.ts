/** Checks what a provider says of a person before it is stored. */
import { checkDisplayName } from '../users/input.js';
import { IdentityProviderError, type IdentityProfile } from './provider.js';

/** OpenID Connect Core 1.0 section 2: at most 255 ASCII characters. */
const SUBJECT = /^[\x20-\x7e]+$/;
const MAX_SUBJECT = 255;
const MAX_LENGTH = 2048;
/** Characters that Postgres rejects in text. */
const UNSTORABLE = /[\0\p{Cs}]/u;

/**
 * The profile without the texts that cannot be stored or shown.
 * @throws IdentityProviderError for a malformed subject, which would otherwise name another identity
 */
export function checkProfile({ issuer, subject, ...rest }: IdentityProfile): IdentityProfile {
  if (subject.length > MAX_SUBJECT || !SUBJECT.test(subject))
    throw new IdentityProviderError('failed', 'The subject is malformed');
  const name = checkDisplayName(storable(rest.displayName) ?? '');
  return {
    issuer,
    subject,
    email: storable(rest.email),
    username: storable(rest.username),
    displayName: 'value' in name ? name.value : null,
    avatarUrl: storable(rest.avatarUrl),
  };
}

function storable(text: string | null): string | null {
  return text === null || text.length > MAX_LENGTH || UNSTORABLE.test(text) ? null : text;
}
