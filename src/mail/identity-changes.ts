/** The changes of identities that the owner is notified about, by audit type. */
import type { AuditType } from '../audit/event.js';

export type IdentityChange = Extract<AuditType, 'identity.linked' | 'identity.unlinked' | 'identities.voided'>;

/** `subject` is followed by "your account at …"; `effect` is a sentence. */
export const IDENTITY_CHANGES: Readonly<Record<IdentityChange, { subject: string; effect: string }>> = {
  'identity.linked': {
    subject: 'A sign-in with another provider was added to',
    effect: 'From now on, an account at that provider signs in to yours.',
  },
  'identity.unlinked': {
    subject: 'A sign-in with another provider was removed from',
    effect: 'The account at that provider no longer signs in to yours.',
  },
  'identities.voided': {
    subject: 'Sign-ins with other providers were removed from',
    effect: 'They may have been added by somebody else. Add yours again.',
  },
};

export function isIdentityChange(value: unknown): value is IdentityChange {
  return typeof value === 'string' && Object.hasOwn(IDENTITY_CHANGES, value);
}
