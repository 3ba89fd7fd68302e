/** The changes of second factors that the owner is notified about, by audit type. */
import type { AuditType } from '../audit/event.js';

/** An audit type of a change that is mailed to the owner. */
export type SecondFactorChange = Extract<
  AuditType,
  | 'totp.added'
  | 'totp.removed'
  | 'passkey.added'
  | 'passkey.removed'
  | 'passkey.counter_regressed'
  | 'recovery_codes.created'
  | 'recovery_code.used'
  | 'second_factors.reset'
  | 'second_factors.voided'
>;

/** `subject` is followed by "your account at …"; `effect` is a sentence. */
export const SECOND_FACTOR_CHANGES: Readonly<Record<SecondFactorChange, { subject: string; effect: string }>> = {
  'totp.added': {
    subject: 'An authenticator app was added to',
    effect: 'From now on, signing in takes a code of the app or another second factor.',
  },
  'totp.removed': {
    subject: 'The authenticator app was removed from',
    effect: 'Its codes are no longer accepted.',
  },
  'passkey.added': {
    subject: 'A passkey was added to',
    effect: 'From now on, it signs you in, and signing in without it takes a second factor.',
  },
  'passkey.removed': {
    subject: 'A passkey was removed from',
    effect: 'It no longer signs you in.',
  },
  'passkey.counter_regressed': {
    subject: 'A sign-in with a passkey was refused for',
    effect: 'Its counter did not rise, so a copy of the passkey may exist. Remove the passkey, and add a new one.',
  },
  'recovery_codes.created': {
    subject: 'New recovery codes were created for',
    effect: 'Earlier recovery codes no longer work.',
  },
  'recovery_code.used': {
    subject: 'A recovery code was used for',
    effect: 'It does not work again. If you have few codes left, create new ones.',
  },
  'second_factors.reset': {
    subject: 'All second factors were removed from',
    effect: 'An administrator did this. You were signed out everywhere, and your password alone signs you in.',
  },
  'second_factors.voided': {
    subject: 'New second factors were removed from',
    effect: 'They were added after the change that was cancelled, perhaps by somebody else. Add yours again.',
  },
};

export function isSecondFactorChange(value: unknown): value is SecondFactorChange {
  return typeof value === 'string' && Object.hasOwn(SECOND_FACTOR_CHANGES, value);
}
