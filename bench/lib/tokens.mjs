// Tokens for sessions created by SQL, signed with the keys of Latchkey.
import { environment, SECRET } from './latchkey.mjs';
import { loadConfig } from '../../dist/config/config.js';
import { createRefreshTokens } from '../../dist/crypto/refresh-token.js';
import { openDatabase } from '../../dist/db/open.js';
import { systemClock as clock } from '../../dist/lib/clock.js';
import { createAccessTokens } from '../../dist/sessions/access-tokens.js';
import { createSigningKeys } from '../../dist/signing-keys/service.js';

const SCOPES = ['read:content', 'read:profile', 'write:profile', 'read:history'];

/**
 * Access and refresh tokens of sessions.
 * @param url the server, which is the issuer of the tokens
 * @param sessions `{ id, userId, generation, expiresAt }`
 */
export async function tokensOf(url, databaseUrl, sessions) {
  const config = loadConfig(environment(url, databaseUrl));
  const db = await openDatabase(config);
  try {
    const { accessTtlMs } = config.jwt;
    const keys = await createSigningKeys({ db, clock, secrets: [SECRET], issuer: url, ...config.jwt });
    const access = createAccessTokens({ keys, clock, issuer: url, accessTtlMs });
    const refresh = createRefreshTokens([SECRET]);
    return sessions.map(({ id, userId, generation, expiresAt }) => ({
      accessToken: access.sign({ userId, sessionId: id, scopes: SCOPES, sessionExpiresAt: expiresAt }).token,
      refreshToken: refresh.issue(id, generation),
    }));
  } finally {
    await db.close();
  }
}
