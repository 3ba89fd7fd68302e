/**
 * Tokens of links that cancel a change of an email address or username:
 * `base64url(change id ‖ HMAC-SHA-256(key, purpose ‖ change id))`. Tokens are deterministic, so all emails about a change contain
 * the same link and no token is stored. The row of the change records whether the link was used.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey } from './derive.js';

const ID_BYTES = 16;
const TOKEN_BYTES = ID_BYTES + 32;
/** 48 bytes in base64url, without padding. */
const TOKEN = /^[\w-]{64}$/;
const PURPOSE = 'identifier-change/1';

export interface ChangeTokens {
  /** The token of a change, under the current secret. @param changeId a UUID */
  issue(changeId: string): string;
  /** The id of the change; undefined for an invalid token. */
  verify(token: string): string | undefined;
}

/** @param secrets the first is current, the others are still accepted */
export function createChangeTokens(secrets: readonly string[]): ChangeTokens {
  const keys = secrets.map((secret) => deriveKey(secret, 'identifier-change'));
  const sign = (key: Buffer, id: Buffer) => createHmac('sha256', key).update(PURPOSE).update(id).digest();

  return {
    issue(changeId) {
      const id = Buffer.from(changeId.replaceAll('-', ''), 'hex');
      return Buffer.concat([id, sign(keys[0]!, id)]).toString('base64url');
    },

    verify(token) {
      // 64 characters of base64url are 48 bytes without spare bits: each token has one encoding.
      if (!TOKEN.test(token)) return undefined;
      const bytes = Buffer.from(token, 'base64url');
      const id = bytes.subarray(0, ID_BYTES);
      const mac = bytes.subarray(ID_BYTES, TOKEN_BYTES);
      if (!keys.some((key) => timingSafeEqual(mac, sign(key, id)))) return undefined;
      return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    },
  };
}
