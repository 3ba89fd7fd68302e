/** Updates of an account by its owner. An omitted field stays unchanged; `null` clears a nullable column. */
import type { Audit } from '../audit/audit.js';
import { isRecentLogin, sessionOf, userOf } from '../authz/decisions.js';
import type { Principal } from '../authz/principal.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import { AppError, stepUpRequired, validationError } from '../lib/errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { StepUpMethods } from '../mfa/step-up.js';
import { invalidCredentials, type ConfirmedPassword, type ConfirmPassword } from '../passwords/verify.js';
import type { RateLimits } from '../rate-limits/service.js';
import type { AccountRecord, Theme } from './account.js';
import type { IdentifierChanges } from '../identifier-changes/service.js';
import { emailKey, usernameKey } from './identifiers.js';
import {
  changesIdentifiers,
  checkAvatarUrl,
  checkDisplayName,
  checkEmail,
  checkLanguage,
  checkUsername,
  createFieldErrors,
  type Checked,
} from './input.js';
import { asTakenError, TAKEN } from './taken-names.js';
import { createAccountRepository, type AccountChanges } from './repository.js';
import type { Verification } from '../email-verification/service.js';

type Change<T> = T | null | undefined;

export interface ProfileChanges {
  readonly username?: Change<string>;
  readonly email?: Change<string>;
  readonly displayName?: Change<string>;
  readonly avatarUrl?: Change<string>;
  readonly preferences?: Change<{
    readonly theme?: Change<Theme>;
    readonly notifications?: Change<boolean>;
    readonly language?: Change<string>;
  }>;
  /** Authorises a change of email address or username. */
  readonly currentPassword?: string | null | undefined;
}

/** The account's own session, or a delegated credential. */
export type ProfileCaller = Principal<AccountRecord>;

/**
 * Applies changes to an account, all or none. A changed email address waits for its owner to confirm it. A change of
 * email address or username needs recent authentication and sends a notice to the account's mailbox (OWASP ASVS 5.0, 6.3.7 and 7.5.1).
 * @throws AppError VALIDATION_ERROR (every error), INSUFFICIENT_PERMISSIONS if a delegated credential would change email
 * address or username, STEP_UP_REQUIRED, INVALID_CREDENTIALS for a wrong `currentPassword`, RATE_LIMIT_EXCEEDED for too many
 * changes or wrong passwords, SERVICE_UNAVAILABLE, USER_NOT_FOUND if the account was deleted meanwhile
 */
export type UpdateProfile = (
  caller: ProfileCaller,
  changes: ProfileChanges,
  client: ClientInfo,
) => Promise<AccountRecord>;

export interface ProfileOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly rateLimits: RateLimits;
  readonly verification: Verification;
  readonly outbox: Outbox;
  readonly changes: IdentifierChanges;
  readonly confirmPassword: ConfirmPassword;
  readonly stepUpMethods: StepUpMethods;
  /** REVEAL_TAKEN_EMAILS: if false, the owner of a taken address gets a mail and the caller no error. */
  readonly revealTakenEmails: boolean;
}

/** How long a login counts as recent. */
const RECENT_MS = 15 * 60_000;
/** Former usernames stay reserved for days; the limit stops one account from reserving many. */
const USERNAME_CHANGES = { max: 10, windowMs: 86_400_000 };
const NOT_CLEARABLE = 'cannot be cleared';

export function createProfile(options: ProfileOptions): UpdateProfile {
  const {
    db,
    clock,
    audit,
    rateLimits,
    verification,
    outbox,
    changes,
    confirmPassword,
    stepUpMethods,
    revealTakenEmails,
  } = options;
  const repository = createAccountRepository(db.executor);

  async function validate(account: AccountRecord, input: ProfileChanges): Promise<AccountChanges> {
    const errors = createFieldErrors();
    const columns: { -readonly [Column in keyof AccountChanges]: AccountChanges[Column] } = {};

    function change<T>(
      field: string,
      value: Change<T>,
      check: (value: T) => Checked<T>,
      store: (value: T) => void,
    ): void {
      if (value === undefined) return;
      if (value === null) return errors.add(field, NOT_CLEARABLE);
      const checked = errors.take(field, check(value));
      if (checked !== undefined) store(checked);
    }
    const clear = <T>(value: Change<T>, store: () => void): Change<T> => {
      if (value === null) store();
      return value ?? undefined;
    };

    change('username', input.username, checkUsername, (username) => {
      Object.assign(columns, { username, usernameKey: usernameKey(username) });
    });
    change('email', input.email, checkEmail, (email) => {
      const pending = email === account.email ? null : email;
      Object.assign(columns, { pendingEmail: pending, pendingEmailKey: pending && emailKey(pending) });
    });
    const displayName = clear(input.displayName, () => (columns.displayName = null));
    change('displayName', displayName, checkDisplayName, (name) => (columns.displayName = name));
    const avatarUrl = clear(input.avatarUrl, () => (columns.avatarUrl = null));
    change('avatarUrl', avatarUrl, checkAvatarUrl, (url) => (columns.avatarUrl = url));

    if (input.preferences === null) errors.add('preferences', NOT_CLEARABLE);
    const { theme, notifications, language } = input.preferences ?? {};
    change('preferences.theme', theme, accept, (value) => (columns.theme = value));
    change('preferences.notifications', notifications, accept, (value) => (columns.notifications = value));
    change('preferences.language', language, checkLanguage, (value) => (columns.language = value));

    const taken = await changes.findTaken(
      db.executor,
      {
        emailKey: revealTakenEmails ? (columns.pendingEmailKey ?? undefined) : undefined,
        usernameKey: columns.usernameKey,
      },
      account.id,
    );
    if (taken.email) errors.add('email', TAKEN);
    if (taken.username) errors.add('username', TAKEN);
    if (errors.all.length > 0) throw validationError(errors.all);
    return columns;
  }

  /** Emails a link that cancels the change. The former username stays reserved meanwhile. */
  async function recordUsername(tx: Executor, before: LockedAccount, columns: AccountChanges) {
    const { id: userId, email, username: previous } = before.account;
    if (columns.username === undefined || columns.username === previous) return;
    await changes.assertNotReserved(tx, { usernameKey: columns.usernameKey }, userId);
    const left = { userId, kind: 'username', previous, previousKey: before.usernameKey } as const;
    const changeId = await changes.record(tx, left, true);
    await outbox.enqueue(tx, { kind: 'username_changed', userId, address: email, detail: { changeId } });
  }

  /** Emails a confirmation link to the new address, and a link that cancels the change to the current one. */
  async function recordEmail(
    tx: Executor,
    { account, emailKey: previousKey }: LockedAccount,
    requested: string | null | undefined,
    client: ClientInfo,
  ) {
    const { id: userId, email: previous } = account;
    if (requested === undefined) return;
    await verification.void(tx, userId);
    await audit.record(tx, {
      type: 'email.change_requested',
      userId,
      client,
      ...(requested === null ? { detail: 'taken back' } : {}),
    });
    if (requested === null) return;
    await verification.enqueue(tx, userId, requested, client);
    const changeId = await changes.record(tx, { userId, kind: 'email', previous, previousKey }, false);
    await outbox.enqueue(tx, { kind: 'email_change_requested', userId, address: previous, detail: { changeId } });
  }

  async function record(tx: Executor, before: LockedAccount, columns: AccountChanges, client: ClientInfo) {
    const detail = Object.keys(columns)
      .filter((column) => !['pendingEmail', 'pendingEmailKey', 'usernameKey'].includes(column))
      .join(' ');
    if (detail !== '') await audit.record(tx, { type: 'account.updated', userId: before.account.id, client, detail });
    await recordUsername(tx, before, columns);
    await recordEmail(tx, before, columns.pendingEmail, client);
  }

  /** @param confirmed the password, if one was given */
  async function apply(
    account: AccountRecord,
    input: ProfileChanges,
    client: ClientInfo,
    confirmed?: ConfirmedPassword,
  ) {
    const { id } = account;
    const columns = await validate(account, input);
    if (Object.keys(columns).length === 0) return account;
    if (columns.pendingEmail != null) await verification.charge(id, client);
    if (columns.username !== undefined && columns.username !== account.username)
      await rateLimits.charge(`username change|${id}`, USERNAME_CHANGES, { userId: id, client });
    try {
      return await db.transaction(async (tx) => {
        const accounts = createAccountRepository(tx);
        const before = await accounts.lockWithKeys(id);
        if (!before) throw new AppError('USER_NOT_FOUND', 'The account no longer exists.');
        const updated = await accounts.update(id, columns, new Date(clock.now()), confirmed?.passwordHash);
        if (!updated) throw invalidCredentials();
        await confirmed?.resetFailures(tx);
        await record(tx, before, columns, client);
        return updated;
      });
    } catch (error) {
      throw asTakenError(error) ?? error;
    }
  }

  async function confirmAndApply(caller: ProfileCaller, input: ProfileChanges, client: ClientInfo) {
    const { user: account, sessionId } = sessionOf(caller);
    const { currentPassword } = input;
    if (currentPassword == null) {
      if (!isRecentLogin(caller, RECENT_MS, clock.now())) throw stepUpRequired(await stepUpMethods(account.id));
      return apply(account, input, client);
    }
    const found = await repository.findById(account.id);
    if (!found) throw new AppError('USER_NOT_FOUND', 'The account no longer exists.');
    return confirmPassword(found, currentPassword, { sessionId, client }, (confirmed) =>
      apply(account, input, client, confirmed),
    );
  }

  return async (caller, input, client) => {
    const account = userOf(caller);
    const updated = await (changesIdentifiers(account, input)
      ? confirmAndApply(caller, input, client)
      : apply(account, input, client));
    outbox.wake();
    return updated;
  };
}

type LockedAccount = NonNullable<Awaited<ReturnType<ReturnType<typeof createAccountRepository>['lockWithKeys']>>>;

const accept = <T>(value: T): Checked<T> => ({ value });
