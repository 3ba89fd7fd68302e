/** The passkeys of an account: registration, names and removal. */
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../../audit/audit.js';
import type { Database, Executor } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { AppError, validationError } from '../../lib/errors.js';
import { isId } from '../../lib/paging.js';
import type { Revoker } from '../../sessions/revocation.js';
import type { AccountRecord } from '../../users/account.js';
import { cleanDisplayName, displayNameError } from '../../users/display-name.js';
import { createAccountRepository } from '../../users/repository.js';
import type { Factors } from '../factors/service.js';
import { passkeyMethods } from './authentication.js';
import type { Ceremonies } from './ceremonies.js';
import type { CeremonyChallenges } from './challenges.js';
import { createPasskeyRepository, type PasskeyRecord } from './repository.js';
import { readRegistration } from './responses.js';

export interface Passkeys {
  /** The passkeys of an account, oldest first. */
  list(userId: string): Promise<PasskeyRecord[]>;
  /**
   * The options of a registration: PublicKeyCredentialCreationOptionsJSON of WebAuthn.
   * @throws AppError VALIDATION_ERROR if the account has the maximum number
   */
  startRegistration(account: AccountRecord, sessionId: string): Promise<object>;
  /**
   * Adds a passkey.
   * @param response RegistrationResponseJSON of WebAuthn; any value is accepted and verified
   * @param name null and undefined for a default
   * @throws AppError VALIDATION_ERROR for a bad name or response, a challenge that is not of this session, expired or used, and
   * a passkey that is registered already; what `Factors.added` throws
   */
  finishRegistration(owner: Revoker, response: unknown, name: string | null | undefined): Promise<PasskeyRecord>;
  /** @throws AppError NOT_FOUND; VALIDATION_ERROR for a bad name */
  rename(owner: Revoker, id: string, name: string): Promise<PasskeyRecord>;
  /** @throws AppError NOT_FOUND; what `Factors.removed` throws */
  remove(owner: Revoker, id: string): Promise<void>;
}

export interface PasskeysOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly factors: Pick<Factors, 'added' | 'removed'>;
  readonly ceremonies: Ceremonies;
  readonly passkeyChallenges: Pick<CeremonyChallenges, 'issue' | 'takeRegistration'>;
}

/** More than a person has devices. */
const MAX_PASSKEYS = 20;

export function createPasskeys(options: PasskeysOptions): Passkeys {
  const { db, clock, audit, factors, ceremonies, passkeyChallenges } = options;
  const repository = createPasskeyRepository(db.executor);

  /** The name to store. Numbers the ones without a name. */
  function nameOf(name: string | null | undefined, existing: readonly PasskeyRecord[]): string {
    if (name != null) return checkName(name);
    const taken = new Set(existing.map((passkey) => passkey.name));
    let number = 1;
    while (taken.has(`Passkey ${number}`)) number += 1;
    return `Passkey ${number}`;
  }

  /** Inserts a passkey of an account that the caller has locked. */
  async function insert(tx: Executor, userId: string, credential: NewPasskey, name: string | null | undefined) {
    const existing = await createPasskeyRepository(tx).list(userId);
    if (existing.length >= MAX_PASSKEYS) throw tooMany();
    const [id, createdAt] = [uuidv7(), new Date(clock.now())];
    const passkey = { ...credential, id, userId, name: nameOf(name, existing), createdAt, lastUsedAt: null };
    if (!(await createPasskeyRepository(tx).insert(passkey)))
      throw validationError([{ field: 'response', message: 'is of a passkey that is registered already' }]);
    return passkey;
  }

  return {
    list: (userId) => repository.list(userId),

    async startRegistration({ id: userId, username, displayName }, sessionId) {
      const existing = await repository.list(userId);
      if (existing.length >= MAX_PASSKEYS) throw tooMany();
      const { challenge } = await passkeyChallenges.issue(db.executor, { purpose: 'registration', userId, sessionId });
      const names = { userName: username, displayName: displayName ?? username };
      return ceremonies.registrationOptions({ userId, ...names, challenge, existing });
    },

    async finishRegistration({ userId, sessionId, client }, response, name) {
      if (name != null) checkName(name);
      const read = readRegistration(response);
      const credential = read && (await ceremonies.verifyRegistration(read));
      if (!credential) throw invalidResponse();
      return db.transaction(async (tx) => {
        await createAccountRepository(tx).lock(userId);
        if (!(await passkeyChallenges.takeRegistration(tx, read.challenge, userId, sessionId))) throw invalidResponse();
        const passkey = await insert(tx, userId, credential, name);
        const methods = passkeyMethods(credential);
        await factors.added(tx, { userId, sessionId, client, type: 'passkey.added', detail: passkey.id, methods });
        return passkey;
      });
    },

    async rename({ userId, sessionId, client }, id, name) {
      const clean = checkName(name);
      return db.transaction(async (tx) => {
        const passkey = isId(id) ? await createPasskeyRepository(tx).rename(id, userId, clean) : undefined;
        if (!passkey) throw notFound();
        await audit.record(tx, { type: 'passkey.renamed', userId, sessionId, client, detail: id });
        return passkey;
      });
    },

    async remove({ userId, sessionId, client }, id) {
      await db.transaction(async (tx) => {
        await createAccountRepository(tx).lock(userId);
        if (!isId(id) || !(await createPasskeyRepository(tx).remove(id, userId))) throw notFound();
        await factors.removed(tx, { userId, sessionId, client, type: 'passkey.removed', detail: id });
      });
    },
  };
}

type NewPasskey = Omit<PasskeyRecord, 'id' | 'userId' | 'name' | 'createdAt' | 'lastUsedAt'>;

function checkName(name: string): string {
  const error = displayNameError(name);
  if (error !== undefined) throw validationError([{ field: 'name', message: error }]);
  return cleanDisplayName(name);
}

function invalidResponse(): AppError {
  const message = 'must be the response to the options of startPasskeyRegistration, within five minutes';
  return validationError([{ field: 'response', message }]);
}

function tooMany(): AppError {
  const message = `must not add to ${MAX_PASSKEYS} passkeys; remove one first`;
  return validationError([{ field: 'response', message }]);
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'The passkey does not exist.');
}
