/** Authentication with passkeys: the options of the ceremony, and the verification of the response as a factor. */
import type { Database, Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { createAccountRepository } from '../../users/repository.js';
import type { Challenges, PresentedChallenge } from '../challenges/service.js';
import type { Factors } from '../factors/service.js';
import { WrongFactor, type VerifyFactor } from '../factors/verify-factor.js';
import { userHandleOf, type Assertion, type Ceremonies } from './ceremonies.js';
import type { CeremonyChallenge, CeremonyChallenges } from './challenges.js';
import { createPasskeyRepository, type PasskeyRecord } from './repository.js';
import { readAssertion } from './responses.js';

/** A challenge with the options that a browser needs. */
export interface PasskeyChallenge extends CeremonyChallenge {
  /** PublicKeyCredentialRequestOptionsJSON of WebAuthn. */
  readonly options: object;
}

export interface PasskeyAuthentication {
  /**
   * Starts an authentication with any discoverable passkey, whose user is verified; with a second-factor challenge, one with the
   * passkeys of its account.
   * @throws AppError INVALID_TOKEN for a second-factor challenge that is unknown, expired, used or of another browser
   */
  start(secondFactor?: PresentedChallenge): Promise<PasskeyChallenge>;
  /** Verifies a passkey as a second factor, or as a new proof in a session. @throws WrongFactor if the counter does not rise */
  readonly verify: VerifyFactor<unknown>;
  /**
   * Records a verified use in the caller's transaction, which has locked the account. False if the passkey is gone.
   * @throws WrongFactor if the counter does not rise
   */
  recordUse(tx: Executor, passkey: PasskeyRecord, use: Assertion, client: ClientInfo): Promise<boolean>;
}

export interface PasskeyAuthenticationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly factors: Pick<Factors, 'record'>;
  readonly ceremonies: Ceremonies;
  readonly passkeyChallenges: Pick<CeremonyChallenges, 'issue' | 'takeAuthentication'>;
  readonly challenges: Pick<Challenges, 'find'>;
}

/** The authentication methods of a passkey (RFC 8176): a synced key is no hardware key. */
export function passkeyMethods({ synced }: Pick<PasskeyRecord, 'synced'>): readonly string[] {
  return [synced ? 'swk' : 'hwk', 'user'];
}

export function createPasskeyAuthentication(options: PasskeyAuthenticationOptions): PasskeyAuthentication {
  const { db, clock, factors, ceremonies, passkeyChallenges, challenges } = options;

  /** Audits a counter that does not rise, and notifies the owner. Only a valid signature gets here. */
  function regressed({ id, userId }: PasskeyRecord, counter: number, client: ClientInfo): WrongFactor {
    return new WrongFactor(async (tx) => {
      const account = await createAccountRepository(tx).lock(userId);
      if (!account) return;
      const change = { userId, actorId: null, sessionId: null, client, detail: `${id} at ${counter}` };
      await factors.record(tx, account, { ...change, type: 'passkey.counter_regressed' });
    });
  }

  async function recordUse(tx: Executor, passkey: PasskeyRecord, use: Assertion, client: ClientInfo): Promise<boolean> {
    const repository = createPasskeyRepository(tx);
    const { counter, synced } = use;
    const { id, userId, credentialId } = passkey;
    if (await repository.recordUse(id, userId, { counter, synced }, new Date(clock.now()))) return true;
    if (!(await repository.findByCredential(credentialId))) return false;
    throw regressed(passkey, counter, client);
  }

  return {
    async start(secondFactor) {
      const userId = secondFactor ? (await challenges.find(db.executor, secondFactor)).userId : null;
      const credentials = userId === null ? undefined : await createPasskeyRepository(db.executor).list(userId);
      const binding = { purpose: 'authentication', userId, sessionId: null } as const;
      const issued = await passkeyChallenges.issue(db.executor, binding);
      return { ...issued, options: await ceremonies.authenticationOptions(issued.challenge, credentials) };
    },

    async verify(tx, userId, value, client) {
      const read = readAssertion(value);
      if (!read) return undefined;
      const challenge = await passkeyChallenges.takeAuthentication(tx, read.challenge, userId);
      const found = await createPasskeyRepository(tx).findByCredential(read.json.id);
      if (!challenge || found?.passkey.userId !== userId || !isHandleOf(userId, read.json.response.userHandle))
        return undefined;
      // Only a challenge of the second step lets the user be unverified: its first step has proved another factor.
      const use = await ceremonies.verifyAssertion(read, found.passkey, challenge.userId === null);
      if (!use || !(await recordUse(tx, found.passkey, use, client))) return undefined;
      return passkeyMethods(use);
    },

    recordUse,
  };
}

/** Whether a user handle is the one of the account. Authenticators may leave it out unless the passkey was discovered. */
function isHandleOf(userId: string, userHandle: string | undefined): boolean {
  return userHandle === undefined || userHandle === userHandleOf(userId);
}
