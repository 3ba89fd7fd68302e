/**
 * Remembers the outcome of the last authentication of each credential, so that a request can be counted before anything is
 * read: for the subject if the credential was accepted, by address if it was refused. An event of an account makes its
 * credentials unknown again. Nothing is admitted by this: each request still authenticates.
 */
import { LRUCache } from 'lru-cache';
import { subjectRef, type SubjectRef } from '../authz/principal.js';
import { AppError, STATUS_BY_CODE } from '../lib/errors.js';
import type { Clock } from '../lib/clock.js';
import { subjectOfEvent, type Events } from '../events/events.js';
import type { Authenticator, FoundCredential } from './authenticate.js';
import type { AccountPrincipal, RequestCredentials } from './strategy.js';

/**
 * `live` and `ended`: accepted or refused when last authenticated. `unknown`: authentic, but not authenticated since its account
 * changed. `none`: no credential, or one that is not known to be authentic.
 */
export type CredentialState = 'live' | 'ended' | 'unknown' | 'none';

/** The sender of a request, as far as it is known without a read. */
export interface Caller {
  readonly credentials: RequestCredentials;
  /** Of the client. */
  readonly ipAddress: string;
  readonly found: FoundCredential | undefined;
  readonly state: CredentialState;
  /** Undefined in the state `none`. */
  readonly subject: SubjectRef | undefined;
  readonly outcome: Outcome | undefined;
}

/** The last authentication of a credential. */
interface Outcome {
  readonly credential: string;
  readonly subject: SubjectRef;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  isAccepted: boolean;
  readAt: number;
  /** A change of this credential alone. */
  changedAt: number;
}

export interface CredentialStates {
  /** Identifies the sender of a request by its headers, without a read. */
  identify(headers: Readonly<Record<string, unknown>>, ipAddress: string): Caller;
  /** Authenticates, and remembers the outcome. @throws AppError as `Authenticate` does */
  authenticate(caller: Caller): Promise<AccountPrincipal>;
  /** Makes the credential unknown: a mutation may have revoked it. */
  forget(caller: Caller): void;
  close(): void;
}

export interface CredentialStatesOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate' | 'find' | 'fromHeaders'>;
  readonly events: Pick<Events, 'listen'>;
  readonly clock: Clock;
}

/** Remembered credentials, about 10 MB of access tokens. The strategy identifies others. */
const MAX_CREDENTIALS = 10_000;
/** The end of a credential is cheaper to hash than the whole, which is compared. */
const KEY_LENGTH = 32;

export function createCredentialStates({ authenticator, events, clock }: CredentialStatesOptions): CredentialStates {
  const outcomes = new LRUCache<string, Outcome>({ max: MAX_CREDENTIALS });
  const changedAt = new LRUCache<string, number>({ max: MAX_CREDENTIALS });
  /** Orders reads and changes. */
  let sequence = 0;
  let lastChangeAt = 0;
  const stopListening = events.listen((event) => {
    const subject = subjectOfEvent(event);
    if (subject === null) return;
    lastChangeAt = sequence += 1;
    changedAt.set(subject, lastChangeAt);
  });

  function outcomeOf(credential: string): Outcome | undefined {
    const outcome = outcomes.get(credential.slice(-KEY_LENGTH));
    return outcome?.credential === credential && outcome.expiresAt > clock.now() ? outcome : undefined;
  }

  function stateOf({ isAccepted, readAt, subject, changedAt: ownChangeAt }: Outcome): CredentialState {
    if (readAt < ownChangeAt) return 'unknown';
    if (!isAccepted) return 'ended';
    return readAt > lastChangeAt || readAt > (changedAt.get(subject.id) ?? 0) ? 'live' : 'unknown';
  }

  /**
   * @param subject undefined for a refused credential that may be forged: it is not remembered, so it pushes out no other
   * @param expiresAt of an accepted credential
   */
  function remember(
    caller: Caller,
    credential: string,
    readAt: number,
    subject?: SubjectRef,
    expiresAt?: number,
  ): void {
    const isAccepted = expiresAt !== undefined;
    const outcome = caller.outcome ?? outcomeOf(credential);
    if (outcome) {
      if (readAt < outcome.readAt) return;
      outcome.isAccepted = isAccepted;
      outcome.readAt = readAt;
    } else if (subject !== undefined) {
      const added = { credential, subject, expiresAt: expiresAt ?? Infinity, isAccepted, readAt, changedAt: 0 };
      outcomes.set(credential.slice(-KEY_LENGTH), added);
    }
  }

  return {
    identify(headers, ipAddress) {
      const credentials = authenticator.fromHeaders(headers);
      const found = authenticator.find(credentials);
      const outcome = found && outcomeOf(found.value);
      if (outcome) return { credentials, ipAddress, found, outcome, state: stateOf(outcome), subject: outcome.subject };
      const subject = found?.strategy.subjectOf?.(found.value);
      return { credentials, ipAddress, found, outcome, state: subject === undefined ? 'none' : 'unknown', subject };
    },

    async authenticate(caller) {
      const { found, credentials, ipAddress, subject } = caller;
      if (!found) return authenticator.authenticate(credentials, ipAddress);
      const readAt = (sequence += 1);
      try {
        const principal = await found.strategy.authenticate(found.value, ipAddress);
        remember(caller, found.value, readAt, subjectRef(principal), principal.credential.expiresAt);
        return principal;
      } catch (error) {
        if (error instanceof AppError && STATUS_BY_CODE[error.code] < 500)
          remember(caller, found.value, readAt, subject);
        throw error;
      }
    },

    forget({ found, outcome = found && outcomeOf(found.value) }) {
      if (outcome) outcome.changedAt = sequence += 1;
    },

    close: stopListening,
  };
}
