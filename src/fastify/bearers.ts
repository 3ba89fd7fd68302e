/** Whose request it is by its access token: for counting requests and for the log. Nothing is admitted by it. */
import type { FastifyRequest } from 'fastify';
import type { Authenticate } from '../authn/authenticate.js';
import type { AccountPrincipal } from '../authn/strategy.js';
import type { TokenStates } from '../authn/token-states.js';
import { subjectId } from '../authz/principal.js';

export interface Bearers {
  /** The account of a token whose session was live when it was last authenticated. Reads nothing. */
  principalOf(request: FastifyRequest): string | undefined;
  /** Authenticates a token that was not seen before; undefined if the session is over, or where there is no such token. */
  lookUp(request: FastifyRequest): Promise<string | undefined> | undefined;
  /** Authenticates a request. The first call gets the outcome of `lookUp`, so that the request takes one read. */
  authenticate(request: FastifyRequest): Promise<AccountPrincipal>;
  /** To be called after a mutation, which may have ended the token's session. */
  forget(request: FastifyRequest): void;
}

export interface BearersOptions {
  readonly states: Pick<TokenStates, 'forget' | 'of'>;
  authenticate(request: FastifyRequest): ReturnType<Authenticate>;
}

export function createBearers({ states, authenticate }: BearersOptions): Bearers {
  const outcomes = new WeakMap<FastifyRequest, Promise<AccountPrincipal>>();
  return {
    principalOf(request) {
      const { state, userId } = states.of(request.headers.authorization);
      if (userId !== undefined) request.accountId = userId;
      return state === 'live' ? userId : undefined;
    },

    lookUp(request) {
      if (states.of(request.headers.authorization).state !== 'unknown') return undefined;
      const outcome = authenticate(request);
      outcomes.set(request, outcome);
      return outcome.then(
        (principal) => subjectId(principal),
        () => undefined,
      );
    },

    async authenticate(request) {
      const outcome = outcomes.get(request) ?? authenticate(request);
      outcomes.delete(request);
      const principal = await outcome;
      request.accountId = subjectId(principal);
      return principal;
    },

    forget: (request) => states.forget(request.headers.authorization),
  };
}
