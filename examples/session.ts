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
   * Sees to it that there is another access token than the refused one. Rejects when there is none to be had; `login` is
   * then the way on for INVALID_REFRESH_TOKEN, and to try again later for anything else.
   */
  renew(refused: string | undefined): Promise<void>;
}

/** @param refresh asks the server for new tokens */
export function createSession(refresh: (refreshToken: string | null) => Promise<Tokens>): Session {
  let tokens: Tokens | undefined;
  let renewing: Promise<void> | undefined;
  const authorization = () => tokens && `Bearer ${tokens.accessToken}`;

  /** The old tokens stay until the new ones are there: a response that is lost can be asked for again. */
  async function replace(): Promise<void> {
    tokens = await refresh(tokens?.refreshToken ?? null);
  }

  return {
    authorization,
    set(next) {
      tokens = next;
    },
    async renew(refused) {
      // What was refused late, when somebody else had renewed already, needs nothing more.
      if (authorization() !== refused) return;
      await (renewing ??= replace().finally(() => (renewing = undefined)));
    },
  };
}
