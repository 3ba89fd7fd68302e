/** Finds the subject behind the credential of a request, for rate limits and the log. It authorizes nothing. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller, CredentialStates } from '../authn/credential-states.js';
import type { AccountPrincipal } from '../authn/strategy.js';
import { subjectId, subjectRef } from '../authz/principal.js';
import { clientOf } from './client.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Identified once, when the request is counted. */
    caller: Caller | null;
    /** The result of `lookUp`, until `authenticate` takes it. */
    lookedUp: Promise<AccountPrincipal> | null;
  }
}

export interface RequestPrincipals {
  /** The subject, if its credential was accepted when it was last authenticated. Does not read the database. */
  principalOf(request: FastifyRequest): string | undefined;
  /**
   * Authenticates an authentic credential whose state is unknown. Undefined for other credentials, and if the authentication
   * fails.
   */
  lookUp(request: FastifyRequest): Promise<string | undefined> | undefined;
  /** Authenticates a request. The first call reuses the result of `lookUp`, which saves a read. */
  authenticate(request: FastifyRequest): Promise<AccountPrincipal>;
  /** Call it after a mutation, because the mutation may have revoked the credential. */
  forget(request: FastifyRequest): void;
}

/** @param app whose requests get the properties */
export function createRequestPrincipals(app: FastifyInstance, states: CredentialStates): RequestPrincipals {
  app.decorateRequest('caller', null);
  app.decorateRequest('lookedUp', null);
  const callerOf = (request: FastifyRequest): Caller =>
    (request.caller ??= states.identify(request.headers, clientOf(request).ipAddress));

  return {
    principalOf(request) {
      const { state, subject } = callerOf(request);
      if (subject !== undefined) request.loggedSubject = subject;
      return state === 'live' ? subject?.id : undefined;
    },

    lookUp(request) {
      const caller = callerOf(request);
      if (caller.state !== 'unknown') return undefined;
      request.lookedUp = states.authenticate(caller);
      return request.lookedUp.then(subjectId, () => undefined);
    },

    authenticate(request) {
      const outcome = request.lookedUp ?? states.authenticate(callerOf(request));
      request.lookedUp = null;
      if (request.loggedSubject !== null) return outcome;
      return outcome.then((principal) => {
        request.loggedSubject = subjectRef(principal);
        return principal;
      });
    },

    forget: (request) => states.forget(callerOf(request)),
  };
}
