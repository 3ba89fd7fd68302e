/**
 * Sign-in by a mailed code, or by the link in the same mail. A request inserts one outbox row for every address; the code is made
 * when the email is composed, so the response does not reveal whether an account exists.
 */
import { createHash } from 'node:crypto';
import type { Audit } from '../audit/audit.js';
import type { Database, Executor } from '../db/database.js';
import type { VoidIdentities } from '../identities/void.js';
import type { KnownDevices } from '../known-devices/service.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import { AppError, invalidCode, validationError } from '../lib/errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { Lockout } from '../passwords/lockout.js';
import { invalidLink } from '../passwords/reset.js';
import { createRateLimitRepository } from '../rate-limits/repository.js';
import { accountDisabled } from '../sessions/replays.js';
import type { Revocation } from '../sessions/revocation.js';
import { type Sessions } from '../sessions/service.js';
import { EMAIL_CODE, type SessionParams } from '../sessions/params.js';
import { isChallenged, type SignIn } from '../sessions/sign-in.js';
import type { AccountRecord } from '../users/account.js';
import { emailError, emailKey, identifierKey } from '../users/identifiers.js';
import { createAccountRepository } from '../users/repository.js';
import { parseCode } from './code.js';
import { isLinkToken, type EmailCodes } from './service.js';

export interface EmailCodeInput {
  /** In any case. Ignored with the token of a link. */
  readonly email: string;
  /** The code as the person typed it, or the token of the link. */
  readonly code: string;
  readonly rememberMe?: boolean | null | undefined;
  /** How the client gets the refresh token; BODY if left out. */
  readonly transport?: 'BODY' | 'COOKIE' | null | undefined;
}

export interface EmailLogin {
  /** Queues a code, which is sent if the account exists. @throws AppError QUERY_REJECTED, VALIDATION_ERROR */
  request(email: string, client: ClientInfo): Promise<void>;
  /**
   * Verifies a code and opens a session, or issues a challenge if the account has a second factor. The first proof of an
   * unconfirmed address voids everything that was set up before it.
   * @throws AppError INVALID_CODE, the same for an unknown address; INVALID_TOKEN for a link; ACCOUNT_DISABLED (only for a right
   * code), RATE_LIMIT_EXCEEDED, QUERY_REJECTED, SERVICE_UNAVAILABLE
   */
  login(input: EmailCodeInput, client: ClientInfo): Promise<SignIn>;
}

export interface EmailLoginOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly revocation: Revocation;
  readonly codes: EmailCodes;
  readonly tokens: OneTimeTokens;
  readonly devices: Pick<KnownDevices, 'forgetAll'>;
  readonly voidIdentities: VoidIdentities;
  readonly lockout: Pick<Lockout, 'attempt'>;
  readonly outbox: Outbox;
  /** EMAIL_LOGIN. */
  readonly isEnabled: boolean;
}

/** The id of no account: an unknown address costs the same statements. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
const TRIES_KEPT_MS = 600_000;

export function createEmailLogin(options: EmailLoginOptions): EmailLogin {
  const { db, clock, audit, sessions, revocation, codes, tokens, devices, voidIdentities, lockout, outbox, isEnabled } =
    options;
  const repository = createAccountRepository(db.executor);

  function assertEnabled(): void {
    if (!isEnabled) throw new AppError('QUERY_REJECTED', 'Sign-in by mailed codes is turned off (EMAIL_LOGIN).');
  }

  /**
   * Confirms an unverified address. A stranger may have registered with it, so this voids the account's password, sessions, API
   * keys, identities, devices and pending address.
   */
  async function confirmFirst(tx: Executor, { id: userId, email }: AccountRecord, client: ClientInfo) {
    const accounts = createAccountRepository(tx);
    const hadPassword = (await accounts.findById(userId))?.passwordHash != null;
    const ended = await revocation.endAccess(tx, userId, { client });
    await tokens.void(tx, userId);
    await devices.forgetAll(tx, userId);
    await voidIdentities(tx, { id: userId, email }, client);
    const detail = `by email code, ${ended} sessions ended${hadPassword ? ', password voided' : ''}`;
    await audit.record(tx, { type: 'email.verified', userId, client, detail });
    if (hadPassword) {
      await outbox.enqueue(tx, { kind: 'password_voided', userId, address: email, detail: {} });
      db.afterCommit(tx, () => outbox.wake());
    }
    const now = new Date(clock.now());
    const unproved = { passwordHash: null, pendingEmail: null, pendingEmailKey: null };
    return accounts.update(userId, { ...unproved, isVerified: true, lastLoginAt: now }, now);
  }

  /** Opens the session of an account that the caller has locked and whose code it has consumed. */
  async function enter(tx: Executor, account: AccountRecord, params: SessionParams): Promise<SignIn> {
    // With a second factor, the mailbox alone does not prove who set the account up, so it changes nothing.
    const isFirstProof = !account.isVerified && !account.hasSecondFactor;
    const current = isFirstProof
      ? await confirmFirst(tx, account, params.client)
      : await createAccountRepository(tx).recordLogin(account.id, new Date(clock.now()));
    // The account is locked and usable, so the update finds it.
    return sessions.open(tx, current ?? account, params, EMAIL_CODE);
  }

  async function recordDisabled(tx: Executor, userId: string, client: ClientInfo): Promise<void> {
    await audit.record(tx, { type: 'login.failed', userId, actorId: null, client, detail: 'disabled' });
  }

  /** Counts the try and commits the count, before the result is used. Writes for every address, so each commit takes as long. */
  function verify(userId: string, key: string, code: string | undefined): Promise<boolean> {
    return db.transaction(async (tx) => {
      const counter = `email code|${createHash('sha256').update(key).digest('base64url')}`;
      const now = clock.now();
      await createRateLimitRepository(tx).charge(counter, new Date(now), new Date(now + TRIES_KEPT_MS));
      return codes.isRight(tx, { userId, emailKey: key }, code);
    });
  }

  async function loginByCode({ email, code: typed }: EmailCodeInput, params: SessionParams): Promise<SignIn> {
    const { client } = params;
    const { key } = identifierKey(email);
    const found = (await repository.findByKey('email', key))?.account;
    const userId = found === undefined || found.deletedAt ? null : found.id;
    const code = parseCode(typed);
    const signIn = await lockout.attempt({ userId, names: [key] }, client, async (attempt) => {
      const isRight = await verify(userId ?? NOBODY, key, code);
      // The lockout of the password does not concern the code: like a reset, it proves the mailbox.
      const entered =
        isRight && userId !== null && code !== undefined
          ? await db.transaction(async (tx) => {
              const account = await createAccountRepository(tx).lock(userId);
              if (!account || account.deletedAt) return undefined;
              if (!(await codes.take(tx, { userId, emailKey: key }, code))) return undefined;
              if (account.disabledAt) {
                await attempt.resetFailures(tx);
                await recordDisabled(tx, userId, client);
                return 'disabled';
              }
              const opened = await enter(tx, account, params);
              if (!isChallenged(opened)) await attempt.resetFailures(tx);
              return opened;
            })
          : undefined;
      if (entered === undefined) {
        await attempt.recordFailure({ type: 'login.failed', detail: 'email code' });
        throw invalidCode();
      }
      // Guesses of the second factor count until it is proved, as after a password.
      if (entered !== 'disabled' && isChallenged(entered)) await attempt.refund();
      return entered;
    });
    if (signIn === 'disabled') throw accountDisabled();
    return signIn;
  }

  async function loginByLink(linkToken: string, params: SessionParams): Promise<SignIn> {
    const signIn = await db.transaction(async (tx) => {
      const userId = await codes.findLink(tx, linkToken);
      // Every transaction locks the account before its codes, which prevents deadlocks.
      const account = userId === undefined ? undefined : await createAccountRepository(tx).lock(userId);
      if (!account || account.deletedAt || !(await codes.takeLink(tx, linkToken))) throw invalidLink();
      if (!account.disabledAt) return enter(tx, account, params);
      await recordDisabled(tx, account.id, params.client);
      return 'disabled';
    });
    if (signIn === 'disabled') throw accountDisabled();
    return signIn;
  }

  return {
    async request(email, { ipAddress, userAgent }) {
      assertEnabled();
      if (emailError(email) !== undefined)
        throw validationError([{ field: 'email', message: 'must be an email address' }]);
      await outbox.enqueue(db.executor, {
        kind: 'email_code',
        userId: null,
        address: emailKey(email),
        detail: { ipAddress, userAgent },
      });
      // Does not wake the outbox: the work for an existing account must not affect the timing of this request.
    },

    async login(input, client) {
      assertEnabled();
      const params = { client, rememberMe: input.rememberMe ?? false, transport: input.transport ?? 'BODY' } as const;
      const signIn = await (isLinkToken(input.code) ? loginByLink(input.code, params) : loginByCode(input, params));
      if (!isChallenged(signIn)) await sessions.enforceLimit(signIn.account.id, client);
      return signIn;
    },
  };
}
