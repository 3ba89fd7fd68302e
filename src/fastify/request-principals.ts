/** Finds the account behind the access token of a request, for rate limits and the log. It authorizes nothing. */
import type { FastifyRequest } from 'fastify';
import type { Authenticate } from '../authn/authenticate.js';
import type { AccountPrincipal } from '../authn/strategy.js';
import type { TokenStates } from '../authn/token-states.js';
import { subjectId } from '../authz/principal.js';

export interface RequestPrincipals {
  /** The account, if the session was live when the token was last authenticated. Does not read the database. */
  principalOf(request: FastifyRequest): string | undefined;
  /** Authenticates an unknown token. Undefined if the token is known or missing, or if its authentication fails. */
  lookUp(request: FastifyRequest): Promise<string | undefined> | undefined;
  /** Authenticates a request. The first call reuses the result of `lookUp`, which saves a read. */
  authenticate(request: FastifyRequest): Promise<AccountPrincipal>;
  /** Call it after a mutation, because the mutation may have ended the session. */
  forget(request: FastifyRequest): void;
}

export interface RequestPrincipalsOptions {
  readonly states: Pick<TokenStates, 'forget' | 'of'>;
  authenticate(request: FastifyRequest): ReturnType<Authenticate>;
}

export function createRequestPrincipals({ states, authenticate }: RequestPrincipalsOptions): RequestPrincipals {
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
