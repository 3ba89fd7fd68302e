/** Authorization codes (RFC 6749 section 4.1.2): 256 bits, hashed, for one minute and one use. */
import type { Executor } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { hashSecret, randomSecret } from '../secret.js';
import { createCodeRepository, type CodeRow } from './repository.js';

/** What a person authorized, and how they signed in. */
export type Authorization = Pick<
  CodeRow,
  | 'clientId'
  | 'userId'
  | 'browserSessionId'
  | 'redirectUri'
  | 'codeChallenge'
  | 'nonce'
  | 'resources'
  | 'scopes'
  | 'authenticatedAt'
  | 'amr'
>;

export interface AuthorizationCodes {
  /** Issues a code in the caller's transaction, which audits it. */
  issue(tx: Executor, authorization: Authorization): Promise<string>;
  /** Deletes up to `limit` codes that expired over a day ago; returns how many. A used code is kept as long, to detect reuse. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const TTL_MS = 60_000;
const RETENTION_MS = 86_400_000;

export function createAuthorizationCodes({ clock }: { readonly clock: Clock }): AuthorizationCodes {
  return {
    async issue(tx, authorization) {
      const code = randomSecret();
      const now = clock.now();
      await createCodeRepository(tx).insert({
        ...authorization,
        codeHash: hashSecret(code),
        createdAt: new Date(now),
        expiresAt: new Date(now + TTL_MS),
        usedAt: null,
        grantId: null,
      });
      return code;
    },

    clear: (tx, limit) => createCodeRepository(tx).deleteOver(new Date(clock.now() - RETENTION_MS), limit),
  };
}
