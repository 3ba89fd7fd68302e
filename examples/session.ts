/** The tokens of one login, in memory, and one refresh at a time however many need it. Used by all the other examples. */

/** What login, register and refresh give. */
export interface Tokens {
  readonly accessToken: string;
  /** Null when it is in a cookie. */
  readonly refreshToken: string | null;
}

export interface Session {
  /** What requests send as `authorization`; undefined for strangers. */
  authorization(): string | undefined;
  /** Begins with what login or register gave, or ends with nothing. */
  set(tokens: Tokens | undefined): void;
  /**
   * Replaces an access token that was refused. Faults that pass are retried for some seconds. Rejects with the last error:
   * if `isPassing` is true for it, try again later; otherwise the way on is `login`.
   */
  renew(refused: string | undefined): Promise<void>;
}

/** Codes of faults that pass. Errors without a code are the network's, or a proxy's that answered in place of the server. */
const PASSING: ReadonlySet<unknown> = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR']);
const MAX_RETRIES = 5;
const FIRST_WAIT_MS = 250;
/** Longer waits are the caller's decision. */
const MAX_WAIT_MS = 30_000;

/** Whether the same request may succeed later. */
export function isPassing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code !== 'string' || PASSING.has(code);
}

/**
 * The pause before a retry in milliseconds: twice as long each time, and different for each client, so that clients do not
 * return to a restarted server all at once.
 */
export function backoff(retries: number): number {
  return Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** retries) * (0.5 + Math.random() / 2);
}

/** @param refresh asks the server for new tokens; rejects with an error that has the server's `code` and `retryAfter` */
export function createSession(refresh: (refreshToken: string | null) => Promise<Tokens>): Session {
  let tokens: Tokens | undefined;
  let renewing: Promise<void> | undefined;
  const authorization = () => tokens && `Bearer ${tokens.accessToken}`;

  /** The old tokens stay until the new ones are there: a response that is lost can be asked for again. */
  async function replace(): Promise<void> {
    const old = tokens;
    for (let retries = 0; tokens === old; retries += 1) {
      try {
        const next = await refresh(old?.refreshToken ?? null);
        // A login or logout meanwhile has the last word.
        if (tokens === old) tokens = next;
        return;
      } catch (error) {
        const pause = Math.max(backoff(retries), retryAfterMs(error));
        if (!isPassing(error) || retries >= MAX_RETRIES || pause > MAX_WAIT_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  return {
    authorization,
    set(next) {
      tokens = next;
    },
    async renew(refused) {
      // Another request has renewed the token since this one was sent.
      if (authorization() !== refused) return;
      await (renewing ??= replace().finally(() => (renewing = undefined)));
    },
  };
}

/** The server's `retryAfter`, in milliseconds. */
function retryAfterMs(error: unknown): number {
  const { retryAfter } = error as { retryAfter?: unknown };
  return typeof retryAfter === 'number' ? retryAfter * 1000 : 0;
}
