/** Encodes events for transport between instances. Messages contain only ids and times. */
import { isId } from '../lib/paging.js';
import type { AccountEvent } from './events.js';

/** Longer messages are rejected without parsing. */
const MAX_LENGTH = 256;

export function encodeEvent({ auditId, userId, sessionId, serviceAccountId = null }: AccountEvent): string {
  return JSON.stringify({ auditId, userId, sessionId, ...(serviceAccountId === null ? {} : { serviceAccountId }) });
}

/** Undefined for a malformed message. */
export function decodeEvent(text: string): AccountEvent | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  try {
    const { auditId, userId, sessionId, serviceAccountId } = JSON.parse(text) as Record<string, unknown>;
    if (!isIdText(auditId) || !isIdOrNull(userId) || !isIdOrNull(sessionId)) return undefined;
    if (serviceAccountId === undefined) return { auditId, userId, sessionId };
    return isIdText(serviceAccountId) ? { auditId, userId, sessionId, serviceAccountId } : undefined;
  } catch {
    return undefined;
  }
}

const MISSED = /^missed(?::(\d{1,15}))?$/;

/** Encodes that events were lost. @param since start of the loss, in milliseconds since the epoch */
export const encodeMissed = (since: number): string => `missed:${since}`;

/** Decodes a loss message; `since` is undefined in messages of older releases. Undefined for any other message. */
export function decodeMissed(text: string): { readonly since: number | undefined } | undefined {
  const match = MISSED.exec(text);
  return match ? { since: match[1] === undefined ? undefined : Number(match[1]) } : undefined;
}

const isIdText = (value: unknown): value is string => typeof value === 'string' && isId(value);
const isIdOrNull = (value: unknown): value is string | null => value === null || isIdText(value);
