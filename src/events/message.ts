/** Events as they travel between instances: ids and times only, so that nothing is told to who reads along. */
import { isId } from '../lib/paging.js';
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

const MISSED = /^missed(?::(\d{1,15}))?$/;

/** Tells that events were lost. @param since from when on, in milliseconds since the epoch */
export const encodeMissed = (since: number): string => `missed:${since}`;

/** What says that events were lost; since when is unknown where an earlier version says it. Undefined for all else. */
export function decodeMissed(text: string): { readonly since: number | undefined } | undefined {
  const match = MISSED.exec(text);
  return match ? { since: match[1] === undefined ? undefined : Number(match[1]) } : undefined;
}

const isIdText = (value: unknown): value is string => typeof value === 'string' && isId(value);
const isIdOrNull = (value: unknown): value is string | null => value === null || isIdText(value);
