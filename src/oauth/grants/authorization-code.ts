/** The authorization code grant (RFC 6749 section 4.1.3) with PKCE (RFC 7636 section 4.5). */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { createGrantRepository } from '../../sessions/grant-repository.js';
import type { OAuthClient } from '../clients/client.js';
import { createCodeRepository, type PresentedCode } from '../codes/repository.js';
import { hashSecret } from '../secret.js';
import { audienceOf } from '../resources.js';
import { invalidGrant, requireGrantType, requireParameter, type Grant } from './grant.js';
import type { EnforceGrantLimit } from './limit.js';
import type { OpenGrant } from './open-grant.js';
import type { createResponses } from './respond.js';

export interface AuthorizationCodeOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly enforceLimit: EnforceGrantLimit;
  readonly openGrant: OpenGrant;
  readonly loadResponses: ReturnType<typeof createResponses>;
  readonly issuer: string;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** RFC 7636 section 4.1. */
const VERIFIER = /^[\w.~-]{43,128}$/;
/** A client repeats a request whose response it lost. Later, a second use means that the code was stolen. */
const RETRY_MS = 10_000;

export function createAuthorizationCodeGrant(options: AuthorizationCodeOptions): Grant {
  const { db, clock, audit, enforceLimit, openGrant, loadResponses, issuer, idleTtlMs } = options;

  /** Ends the grant of a code that is used a second time (RFC 6749 section 4.1.2), except for a retry of its client. */
  async function endOnReuse({ id }: OAuthClient, presented: PresentedCode, from: ClientInfo): Promise<void> {
    const code = await createCodeRepository(db.executor).find(presented.codeHash);
    if (!code?.usedAt || code.grantId === null) return;
    const isRetry =
      code.clientId === id &&
      code.redirectUri === presented.redirectUri &&
      code.codeChallenge === presented.codeChallenge &&
      clock.now() - code.usedAt.getTime() < RETRY_MS;
    if (isRetry) return;
    const { clientId, grantId } = code;
    await db.transaction(async (tx) => {
      const ended = await createGrantRepository(tx, idleTtlMs).end(new Date(clock.now()), { clientId, id: grantId });
      for (const { userId } of ended)
        await audit.record(tx, {
          type: 'grant.code_reuse_detected',
          userId,
          actorId: null,
          sessionId: grantId,
          client: from,
          detail: `by client ${id}`,
        });
    });
  }

  return async ({ client, parameters, from }) => {
    requireGrantType(client, 'AUTHORIZATION_CODE');
    const code = requireParameter(parameters, 'code');
    const redirectUri = requireParameter(parameters, 'redirect_uri');
    const verifier = parameters.get('code_verifier');
    if (verifier !== undefined && !VERIFIER.test(verifier)) throw invalidGrant();
    const presented: PresentedCode = {
      codeHash: hashSecret(code),
      clientId: client.id,
      redirectUri,
      codeChallenge: verifier === undefined ? null : createHash('sha256').update(verifier).digest('base64url'),
    };
    const respond = await loadResponses(client);

    const exchanged = await db.transaction(async (tx) => {
      const id = uuidv7();
      // Consumes the code only if client, redirect URI and verifier match, so a wrong one spends nothing.
      const consumed = await createCodeRepository(tx).consume(presented, id, new Date(clock.now()));
      if (!consumed) return undefined;
      const audience = audienceOf(parameters, consumed.resources, issuer);
      const issued = await openGrant(tx, { ...consumed, id }, from);
      return { issued, audience, nonce: consumed.nonce };
    });
    if (!exchanged) {
      await endOnReuse(client, presented, from);
      throw invalidGrant();
    }
    await enforceLimit(exchanged.issued, from);
    return respond(exchanged.issued, { client, ...exchanged });
  };
}
