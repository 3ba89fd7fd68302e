/** Events as they travel between instances: ids only, so that nothing is told to who reads along. */
import { isId } from '../paging.js';
import type { AccountEvent } from './events.js';

/** Three ids and their names take less; nothing longer is even parsed. */
const MAX_LENGTH = 256;

export function encodeEvent({ auditId, userId, sessionId }: AccountEvent): string {
  return JSON.stringify({ auditId, userId, sessionId });
}

/** Undefined for what is no event. */
export function decodeEvent(text: string): AccountEvent | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  try {
    const { auditId, userId, sessionId } = JSON.parse(text) as Record<string, unknown>;
    return isIdText(auditId) && isIdOrNull(userId) && isIdOrNull(sessionId)
      ? { auditId, userId, sessionId }
      : undefined;
  } catch {
    return undefined;
  }
}

const isIdText = (value: unknown): value is string => typeof value === 'string' && isId(value);
const isIdOrNull = (value: unknown): value is string | null => value === null || isIdText(value);
