/**
 * The session of a browser at the provider: a first-party session whose id is in a cookie, with an HMAC-SHA-256 under a key of its
 * own. The session row decides whether it is live, so a revocation takes effect with the next page.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey } from '../../crypto/derive.js';
import type { Clock } from '../../lib/clock.js';
import type { LastUsedRecorder } from '../../sessions/last-used.js';
import type { LiveSession } from '../../sessions/repository.js';
import { isLive } from '../../sessions/session.js';
import type { LoadSession } from '../../sessions/session-loader.js';

/** A live session with its usable account. */
export type BrowserSession = LiveSession;

export interface BrowserSessions {
  /** The cookie of a session, under the current secret. */
  tokenOf(sessionId: string): string;
  /** The session id of a cookie, live or not; undefined for a forged cookie. */
  idOf(token: string): string | undefined;
  /** The live session of a cookie; undefined without one, or if its account is disabled or deleted. */
  find(token: string | undefined): Promise<BrowserSession | undefined>;
}

export interface BrowserSessionsOptions {
  /** The values of AUTH_SECRET: the first signs, all verify. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly readSession: LoadSession;
  readonly uses: Pick<LastUsedRecorder, 'record'>;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

const TOKEN = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\.[\w-]{43}$/;
const ID_LENGTH = 36;
const PURPOSE = 'browser-session/1';

export function createBrowserSessions(options: BrowserSessionsOptions): BrowserSessions {
  const { clock, readSession, uses, idleTtlMs } = options;
  const keys = options.secrets.map((secret) => deriveKey(secret, 'browser-session'));
  const mac = (key: Buffer, id: string) => createHmac('sha256', key).update(`${PURPOSE}|${id}`).digest();

  function idOf(token: string): string | undefined {
    if (!TOKEN.test(token)) return undefined;
    const id = token.slice(0, ID_LENGTH);
    const presented = Buffer.from(token.slice(ID_LENGTH + 1), 'base64url');
    return keys.some((key) => timingSafeEqual(presented, mac(key, id))) ? id : undefined;
  }

  return {
    tokenOf: (id) => `${id}.${mac(keys[0]!, id).toString('base64url')}`,
    idOf,

    async find(token) {
      const id = token === undefined ? undefined : idOf(token);
      const found = id === undefined ? undefined : await readSession(id);
      if (!found || !isLive(found.session, clock.now(), idleTtlMs)) return undefined;
      if (found.account.disabledAt || found.account.deletedAt) return undefined;
      uses.record(found.session);
      return found;
    },
  };
}
