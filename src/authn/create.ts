/** Creates the authenticator with the strategy of each kind of credential, and the recorders of their use. */
import type { ApiKeyFormat } from '../api-keys/format.js';
import { createApiKeyLoader } from '../api-keys/loader.js';
import { createApiKeyRepository, readPresentedKeys } from '../api-keys/repository.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { Database } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import type { SecondFactorPolicy } from '../mfa/policy.js';
import type { AccessTokens } from '../sessions/access-tokens.js';
import { createLastUsedRecorder } from '../sessions/last-used.js';
import { createSessionRepository, readLiveSessions } from '../sessions/repository.js';
import { createSessionLoader } from '../sessions/session-loader.js';
import { createAccountRepository } from '../users/repository.js';
import { createAuthenticator } from './authenticate.js';
import { createApiKeyStrategy } from './strategies/api-key.js';
import { createServicePrincipals } from './strategies/client-credentials.js';
import { createSessionStrategy } from './strategies/session.js';
import type { Strategy } from './strategy.js';

export interface AuthenticationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly accessTokens: AccessTokens;
  readonly apiKeyFormat: ApiKeyFormat;
  readonly scopes: ScopeCatalogue;
  readonly secondFactorPolicy: SecondFactorPolicy;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs: number | undefined;
  /** Further strategies, which are tried first. */
  readonly strategies: readonly Strategy[];
}

export function createAuthentication(options: AuthenticationOptions) {
  const { db, clock, accessTokens, apiKeyFormat, scopes, secondFactorPolicy, idleTtlMs, strategies } = options;
  const sessionUse = createLastUsedRecorder({
    clock,
    touch: createSessionRepository(db.executor).touch,
    idleTtlMs,
  });
  const apiKeyUse = createLastUsedRecorder({ clock, touch: createApiKeyRepository(db.executor).touch });

  const readSession = createSessionLoader(readLiveSessions(db.executor));
  const apiKeyStrategy = createApiKeyStrategy({
    format: apiKeyFormat,
    readKey: createApiKeyLoader(readPresentedKeys(db.executor)),
    noteUse: (key) => apiKeyUse.record(key),
    scopes,
    secondFactorPolicy,
    clock,
  });
  const authenticator = createAuthenticator([
    ...strategies,
    apiKeyStrategy,
    createSessionStrategy({
      accessTokens,
      readSession,
      servicePrincipalOf: createServicePrincipals({ db, clock }),
      accountExists: (id) => createAccountRepository(db.executor).exists(id),
      noteUse: (session) => sessionUse.record(session),
      scopes,
      secondFactorPolicy,
      clock,
      idleTtlMs,
    }),
  ]);

  return {
    authenticator,
    /** For the introspection of API keys. */
    keyInspection: { isApiKey: apiKeyFormat.isApiKey, authenticate: apiKeyStrategy.authenticate },
    /** For other readers of sessions. */
    ofSessions: { readSession, uses: sessionUse },
    /** Writes the collected uses of sessions and API keys. */
    uses: {
      async flush(): Promise<void> {
        await Promise.all([sessionUse.flush(), apiKeyUse.flush()]);
      },
    },
  };
}
