/**
 * Signed messages: `base64url(HMAC-SHA-256(key, channel ‖ 0 ‖ payload)).payload`, with a key derived from AUTH_SECRET. Write access
 * to Redis is not enough to forge a message or to replay one of another channel.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey } from '../crypto/derive.js';

export interface MessageSigner {
  /** Signs under the current secret. */
  sign(payload: string): string;
  /** The payload; undefined if no secret verifies the signature for this channel. */
  verify(message: string): string | undefined;
}

/** 32 bytes in base64url, without padding. */
const MAC_LENGTH = 43;
/** Longer messages are rejected without computing an HMAC. */
const MAX_LENGTH = 512;

/** @param secrets the first signs, all verify */
export function createMessageSigner(secrets: readonly string[], channel: string): MessageSigner {
  const keys = secrets.map((secret) => deriveKey(secret, 'event-message'));
  const macOf = (key: Buffer, payload: string) =>
    createHmac('sha256', key).update(`${channel}\0`).update(payload).digest('base64url');

  return {
    sign: (payload) => `${macOf(keys[0]!, payload)}.${payload}`,
    verify(message) {
      if (message.length > MAX_LENGTH || message[MAC_LENGTH] !== '.') return undefined;
      // Compares the encoded form, so each MAC has exactly one encoding.
      const mac = Buffer.from(message.slice(0, MAC_LENGTH));
      const payload = message.slice(MAC_LENGTH + 1);
      const isOurs = keys.some((key) => {
        const expected = Buffer.from(macOf(key, payload));
        return mac.length === expected.length && timingSafeEqual(mac, expected);
      });
      return isOurs ? payload : undefined;
    },
  };
}
