/** The changes of API keys that the owner is notified about, by audit type. */
import type { AuditType } from '../audit/event.js';

export type ApiKeyChange = Extract<AuditType, 'api_key.created' | 'api_key.rotated' | 'api_key.revoked'>;

/** `subject` is followed by "your account at …"; `effect` is a sentence. */
export const API_KEY_CHANGES: Readonly<Record<ApiKeyChange, { subject: string; effect: string }>> = {
  'api_key.created': {
    subject: 'An API key was created for',
    effect: 'Programs that have it can act for your account.',
  },
  'api_key.rotated': {
    subject: 'An API key was renewed for',
    effect: 'Programs need the new key; the former one ends.',
  },
  'api_key.revoked': {
    subject: 'An administrator revoked an API key of',
    effect: 'Programs that use it are refused.',
  },
};

export function isApiKeyChange(value: unknown): value is ApiKeyChange {
  return typeof value === 'string' && Object.hasOwn(API_KEY_CHANGES, value);
}
