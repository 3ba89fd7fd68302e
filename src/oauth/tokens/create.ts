/** Creates the services that concern issued tokens: introspection, revocation and the removal of old rows. */
import type { Executor } from '../../db/database.js';
import { createAssertionRepository } from '../clients/assertion-repository.js';
import { createServiceGrantRepository } from '../service-grants/repository.js';
import { createInspectToken, type InspectOptions } from './inspect.js';
import { createRevokeToken, type RevokeOptions } from './revoke.js';

export type TokenServicesOptions = InspectOptions & RevokeOptions;

/** How long ended grants are kept, so audit events can refer to them. */
const RETENTION_MS = 86_400_000;

export function createTokenServices(options: TokenServicesOptions) {
  const { clock } = options;
  return {
    inspectToken: createInspectToken(options),
    revokeToken: createRevokeToken(options),
    /** Deletes up to `limit` used assertions that expired; returns how many. */
    clearAssertions: (tx: Executor, limit: number) =>
      createAssertionRepository(tx).deleteOver(new Date(clock.now()), limit),
    /** Deletes up to `limit` grants of client credentials that expired over a day ago; returns how many. */
    clearServiceGrants: (tx: Executor, limit: number) =>
      createServiceGrantRepository(tx).deleteOver(new Date(clock.now() - RETENTION_MS), limit),
  };
}
