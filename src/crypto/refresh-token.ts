/**
 * Refresh tokens: `base64url(session id ‖ generation ‖ HMAC-SHA-256(key, purpose ‖ session id ‖ generation))`.
 * Tokens are deterministic, so none is stored. Forged tokens are rejected without a query.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey, type KeyPurpose } from './derive.js';

const ID_BYTES = 16;
const BODY_BYTES = ID_BYTES + 4;
const TOKEN_BYTES = BODY_BYTES + 32;
/** 52 bytes in base64url, without padding. */
export const REFRESH_TOKEN_LENGTH = 70;
const PURPOSE = 'refresh-token/1';
/** A refresh verifies its token twice: to count the request and to rotate the token. The second time takes the first result. */
const MAX_VERIFIED = 200;

export interface RefreshTokens {
  /** The token of a session's generation (0 to 2³² − 1), under the current secret. */
  issue(sessionId: string, generation: number): string;
  /** The content of a token; undefined for an invalid token. */
  verify(token: string): RefreshTokenContent | undefined;
}

export interface RefreshTokenContent {
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * @param secrets the first is current, the others are still accepted
 * @param purpose tokens of OAuth clients have keys of their own, so neither kind is accepted in place of the other
 */
export function createRefreshTokens(
  secrets: readonly string[],
  purpose: Extract<KeyPurpose, 'refresh-token' | 'oauth-refresh-token'> = 'refresh-token',
): RefreshTokens {
  const keys = secrets.map((secret) => deriveKey(secret, purpose));
  const sign = (key: Buffer, body: Buffer) => createHmac('sha256', key).update(PURPOSE).update(body).digest();

  /** Content of authentic tokens. Whether a token is still good is decided by the session. */
  const verified = new Map<string, RefreshTokenContent>();

  return {
    issue(sessionId, generation) {
      const body = Buffer.alloc(BODY_BYTES);
      body.write(sessionId.replaceAll('-', ''), 'hex');
      body.writeUInt32BE(generation, ID_BYTES);
      return Buffer.concat([body, sign(keys[0]!, body)]).toString('base64url');
    },

    verify(token) {
      if (token.length !== REFRESH_TOKEN_LENGTH) return undefined;
      const known = verified.get(token);
      if (known) {
        verified.delete(token);
        return known;
      }
      const bytes = Buffer.from(token, 'base64url');
      // Accepts the canonical encoding only, without stray characters or bits.
      if (bytes.length !== TOKEN_BYTES || bytes.toString('base64url') !== token) return undefined;
      const body = bytes.subarray(0, BODY_BYTES);
      const mac = bytes.subarray(BODY_BYTES);
      if (!keys.some((key) => timingSafeEqual(mac, sign(key, body)))) return undefined;
      const hex = body.toString('hex', 0, ID_BYTES);
      const sessionId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      const content = { sessionId, generation: body.readUInt32BE(ID_BYTES) };
      if (verified.size >= MAX_VERIFIED) verified.clear();
      verified.set(token, content);
      return content;
    },
  };
}
