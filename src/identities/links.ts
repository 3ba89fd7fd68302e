/** Links identities to an account and unlinks them. Linking takes the person's own session with a recent login. */
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../audit/audit.js';
import type { Database, Executor } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { AppError, invalidCode, validationError } from '../lib/errors.js';
import { isId } from '../lib/paging.js';
import type { IdentityChange } from '../mail/identity-changes.js';
import type { Outbox } from '../mail/outbox.js';
import { createFactorRepository, type WaysToSignIn } from '../mfa/factors/repository.js';
import { lockOwnSession } from '../sessions/own-session.js';
import type { Revoker } from '../sessions/revocation.js';
import type { FinishedFlow, IdentityFlows, IdentityLogin } from './flows.js';
import { createIdentityRepository, type IdentityRow } from './repository.js';
import { parseReturnTo } from './return-to.js';

export interface StartIdentityLinkInput {
  readonly provider: string;
  readonly returnTo: string;
  readonly codeChallenge?: string | null | undefined;
}

export interface IdentityLinks {
  /** The identities of an account, oldest first. */
  list(userId: string): Promise<readonly IdentityRow[]>;
  /** @throws AppError VALIDATION_ERROR */
  start(input: StartIdentityLinkInput, caller: Revoker): Promise<IdentityLogin>;
  /**
   * Links the identity to the account, in the session that started it. An identity that the account has stays as it is.
   * @throws AppError INVALID_CODE; IDENTITY_NOT_LINKED if another account has the identity; VALIDATION_ERROR over the limit;
   * INVALID_TOKEN if the session ended meanwhile
   */
  finish(code: string, codeVerifier: string | null | undefined, caller: Revoker): Promise<IdentityRow>;
  /** @throws AppError NOT_FOUND; VALIDATION_ERROR if it is the last way to sign in; INVALID_TOKEN as for `finish` */
  unlink(id: string, caller: Revoker): Promise<void>;
}

export interface IdentityLinksOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly outbox: Outbox;
  readonly flows: Pick<IdentityFlows, 'begin' | 'take'>;
  readonly returnToOrigins: ReadonlySet<string>;
  readonly ways: WaysToSignIn;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs: number | undefined;
}

const MAX_IDENTITIES = 20;

export function createIdentityLinks(options: IdentityLinksOptions): IdentityLinks {
  const { db, clock, audit, outbox, flows, returnToOrigins, ways, idleTtlMs } = options;

  async function record(tx: Executor, address: string, type: IdentityChange, detail: string, caller: Revoker) {
    const { userId, sessionId, client } = caller;
    await audit.record(tx, { type, userId, sessionId, client, detail });
    await outbox.enqueue(tx, { kind: 'identity_changed', userId, address, detail: { change: type } });
    db.afterCommit(tx, () => outbox.wake());
  }

  async function insert(tx: Executor, { provider, profile }: FinishedFlow, userId: string): Promise<IdentityRow> {
    const { issuer, subject, displayName } = profile;
    if ((await createIdentityRepository(tx).list(userId)).length >= MAX_IDENTITIES)
      throw validationError([{ field: 'code', message: `must not add to ${MAX_IDENTITIES} identities` }]);
    const createdAt = new Date(clock.now());
    const row = { id: uuidv7(), userId, provider, issuer, subject, displayName, createdAt, lastUsedAt: null };
    if (!(await createIdentityRepository(tx).insert(row))) throw linkedElsewhere();
    return row;
  }

  return {
    list: (userId) => createIdentityRepository(db.executor).list(userId),

    async start({ provider, returnTo, codeChallenge }, { userId, sessionId }) {
      const parsed = parseReturnTo(returnTo, returnToOrigins);
      if ('error' in parsed) throw validationError([{ field: 'returnTo', message: parsed.error }]);
      const owner = { userId, sessionId };
      return flows.begin({ purpose: 'link', provider, returnTo: parsed.url, codeChallenge, owner });
    },

    async finish(code, codeVerifier, caller) {
      const { userId, sessionId } = caller;
      return db.transaction(async (tx) => {
        // Every transaction locks the account before its tokens, which prevents deadlocks.
        const account = await lockOwnSession(tx, caller, clock.now(), idleTtlMs);
        const found = await flows.take(tx, { purpose: 'link', code, codeVerifier, sessionId });
        if (!found) throw invalidCode();
        const { issuer, subject, displayName } = found.profile;
        const present = await createIdentityRepository(tx).find(issuer, subject);
        if (present && present.userId !== userId) throw linkedElsewhere();
        if (present) return (await createIdentityRepository(tx).update(present.id, displayName)) ?? present;
        const linked = await insert(tx, found, userId);
        await record(tx, account.email, 'identity.linked', linked.provider, caller);
        return linked;
      });
    },

    async unlink(id, caller) {
      const { userId } = caller;
      await db.transaction(async (tx) => {
        const account = await lockOwnSession(tx, caller, clock.now(), idleTtlMs);
        const removed = isId(id) ? await createIdentityRepository(tx).remove(id, userId) : undefined;
        if (!removed) throw new AppError('NOT_FOUND', 'The account has no such identity.');
        if (!(await createFactorRepository(tx).hasWayToSignIn(userId, ways)))
          throw validationError([{ field: 'id', message: 'is the last way to sign in; set a password first' }]);
        await record(tx, account.email, 'identity.unlinked', removed.provider, caller);
      });
    },
  };
}

function linkedElsewhere(): AppError {
  return new AppError('IDENTITY_NOT_LINKED', 'The identity is linked to another account.');
}
