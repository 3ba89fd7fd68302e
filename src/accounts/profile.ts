/** Changes that owners make to their own accounts. Left out: unchanged; `null`: cleared where that can be. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { Database, Executor } from '../db/database.js';
import { AppError, validationError } from '../errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { AccountRecord, Theme } from './account.js';
import { emailKey, usernameKey } from './identifiers.js';
import {
  checkAvatarUrl,
  checkDisplayName,
  checkEmail,
  checkLanguage,
  checkUsername,
  createFaults,
  type Checked,
} from './input.js';
import { takenName } from './registration.js';
import { createAccountRepository, type AccountChanges } from './repository.js';
import type { Verification } from './verification.js';

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
}

/**
 * Applies changes to an account, all or none. A changed e-mail address waits for its owner to confirm it.
 * @throws AppError VALIDATION_ERROR (every fault), RATE_LIMIT_EXCEEDED for too many changed addresses, USER_NOT_FOUND
 * when the account went meanwhile
 */
export type UpdateProfile = (
  account: AccountRecord,
  changes: ProfileChanges,
  client: ClientInfo,
) => Promise<AccountRecord>;

export interface ProfileOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly verification: Verification;
  readonly outbox: Outbox;
}

const NOT_CLEARABLE = 'cannot be cleared';

export function createProfile({ db, clock, audit, verification, outbox }: ProfileOptions): UpdateProfile {
  const repository = createAccountRepository(db.executor);

  async function validate(account: AccountRecord, input: ProfileChanges): Promise<AccountChanges> {
    const faults = createFaults();
    const columns: { -readonly [Column in keyof AccountChanges]: AccountChanges[Column] } = {};

    function change<T>(
      field: string,
      value: Change<T>,
      check: (value: T) => Checked<T>,
      store: (value: T) => void,
    ): void {
      if (value === undefined) return;
      if (value === null) return faults.add(field, NOT_CLEARABLE);
      const checked = faults.take(field, check(value));
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

    if (input.preferences === null) faults.add('preferences', NOT_CLEARABLE);
    const { theme, notifications, language } = input.preferences ?? {};
    change('preferences.theme', theme, accept, (value) => (columns.theme = value));
    change('preferences.notifications', notifications, accept, (value) => (columns.notifications = value));
    change('preferences.language', language, checkLanguage, (value) => (columns.language = value));

    const taken = await repository.taken(columns.pendingEmailKey ?? undefined, columns.usernameKey, account.id);
    if (taken.email) faults.add('email', 'is taken');
    if (taken.username) faults.add('username', 'is taken');
    if (faults.all.length > 0) throw validationError(faults.all);
    return columns;
  }

  /** What changed is audited; a new address gets its link, and the present one is told. */
  async function record(
    tx: Executor,
    { id, email, pendingEmail }: AccountRecord,
    columns: AccountChanges,
    client: ClientInfo,
  ) {
    const asked = columns.pendingEmail;
    const detail = Object.keys(columns)
      .filter((column) => !['pendingEmail', 'pendingEmailKey', 'usernameKey'].includes(column))
      .join(' ');
    if (detail !== '') await audit.record(tx, { type: 'account.updated', userId: id, client, detail });
    if (asked === undefined) return;
    await verification.void(tx, id);
    await audit.record(tx, {
      type: 'email.change_requested',
      userId: id,
      client,
      ...(asked === null ? { detail: 'taken back' } : {}),
    });
    if (pendingEmail === null) return;
    await verification.enqueue(tx, id, pendingEmail, client);
    await outbox.enqueue(tx, { kind: 'email_change_requested', userId: id, address: email, detail: {} });
  }

  return async (account, input, client) => {
    const columns = await validate(account, input);
    if (Object.keys(columns).length === 0) return account;
    if (columns.pendingEmail != null) await verification.charge(account.id, client);
    try {
      const updated = await db.transaction(async (tx) => {
        const updated = await createAccountRepository(tx).update(account.id, columns, new Date(clock.now()));
        if (!updated) throw new AppError('USER_NOT_FOUND', 'The account is gone.');
        await record(tx, updated, columns, client);
        return updated;
      });
      outbox.kick();
      return updated;
    } catch (error) {
      throw takenName(error) ?? error;
    }
  };
}

const accept = <T>(value: T): Checked<T> => ({ value });
