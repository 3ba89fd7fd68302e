/** The result of proving a first factor: a session, or a challenge if the account has a second factor. */
import type { Executor } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import type { Challenges, IssuedChallenge } from '../mfa/challenges/service.js';
import { MULTI_FACTOR } from '../mfa/factors/verify-factor.js';
import type { AccountRecord } from '../users/account.js';
import { createAccountRepository } from '../users/repository.js';
import type { IssuedSession } from './service.js';
import type { Proof, SessionParams } from './params.js';

/** No session exists yet. The client proves a second factor with the challenge. */
export interface ChallengedSignIn {
  readonly account: AccountRecord;
  readonly challenge: IssuedChallenge;
}

export type SignIn = IssuedSession | ChallengedSignIn;

/** Whether a sign-in needs a second factor. */
export function isChallenged(signIn: SignIn): signIn is ChallengedSignIn {
  return 'challenge' in signIn;
}

/** Throw it after the commit that stored the challenge. */
export function secondFactorRequired({ challenge: { challenge, methods, expiresAt } }: ChallengedSignIn): AppError {
  return new AppError('SECOND_FACTOR_REQUIRED', 'The account has a second factor: call loginWithSecondFactor.', {
    challenge,
    methods,
    expiresAt: expiresAt.toISOString(),
  });
}

/**
 * The gate of every sign-in: issues a challenge if the account has a second factor that the proof lacks; undefined if the proof
 * is enough. Locks the account until the end of the transaction, so that a concurrent enrolment either sees the new session,
 * and ends it, or makes this sign-in wait and need the factor.
 */
export type SecondFactorGate = (
  tx: Executor,
  account: AccountRecord,
  params: SessionParams,
  proof: Proof,
) => Promise<IssuedChallenge | undefined>;

export function createSecondFactorGate(challenges: Pick<Challenges, 'issue'>): SecondFactorGate {
  return async (tx, { id: userId }, { rememberMe, transport = 'BODY', grant }, { by, methods }) => {
    const current = await createAccountRepository(tx).lock(userId);
    if (by === 'register' || !current?.hasSecondFactor || methods.includes(MULTI_FACTOR)) return undefined;
    // The browser session of an authorization lacks a factor that was added since: the person signs in again.
    if (grant || by === 'authorization')
      throw new AppError('SECOND_FACTOR_REQUIRED', 'The account has a second factor: sign in again.');
    return challenges.issue(tx, { userId, provedBy: by, methods: [...methods], rememberMe, transport, clientId: null });
  };
}
