/** Changes that owners make to their own accounts. Left out: unchanged; `null`: cleared where that can be. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { AppError, validationError } from '../errors.js';
import type { AccountRecord, Theme } from './account.js';
import { cleanUsername, usernameFault, usernameKey } from './identifiers.js';
import { checkAvatarUrl, checkDisplayName, checkLanguage, createFaults, type Checked } from './input.js';
import { takenName } from './registration.js';
import { createAccountRepository, type AccountChanges } from './repository.js';

type Change<T> = T | null | undefined;

export interface ProfileChanges {
  readonly username?: Change<string>;
  readonly displayName?: Change<string>;
  readonly avatarUrl?: Change<string>;
  readonly preferences?: Change<{
    readonly theme?: Change<Theme>;
    readonly notifications?: Change<boolean>;
    readonly language?: Change<string>;
  }>;
}

/**
 * Applies changes to an account, all or none.
 * @throws AppError VALIDATION_ERROR (every fault), USER_NOT_FOUND when the account went meanwhile
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
}

const NOT_CLEARABLE = 'cannot be cleared';

export function createProfile({ db, clock, audit }: ProfileOptions): UpdateProfile {
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
    const displayName = clear(input.displayName, () => (columns.displayName = null));
    change('displayName', displayName, checkDisplayName, (name) => (columns.displayName = name));
    const avatarUrl = clear(input.avatarUrl, () => (columns.avatarUrl = null));
    change('avatarUrl', avatarUrl, checkAvatarUrl, (url) => (columns.avatarUrl = url));

    if (input.preferences === null) faults.add('preferences', NOT_CLEARABLE);
    const { theme, notifications, language } = input.preferences ?? {};
    change('preferences.theme', theme, accept, (value) => (columns.theme = value));
    change('preferences.notifications', notifications, accept, (value) => (columns.notifications = value));
    change('preferences.language', language, checkLanguage, (value) => (columns.language = value));

    const taken = await repository.taken(undefined, columns.usernameKey, account.id);
    if (taken.username) faults.add('username', 'is taken');
    if (faults.all.length > 0) throw validationError(faults.all);
    return columns;
  }

  return async (account, input, client) => {
    const columns = await validate(account, input);
    if (Object.keys(columns).length === 0) return account;
    try {
      return await db.transaction(async (tx) => {
        const updated = await createAccountRepository(tx).update(account.id, columns, new Date(clock.now()));
        if (!updated) throw new AppError('USER_NOT_FOUND', 'The account is gone.');
        const detail = Object.keys(columns)
          .filter((column) => column !== 'usernameKey')
          .join(' ');
        await audit.record(tx, { type: 'account.updated', userId: account.id, client, detail });
        return updated;
      });
    } catch (error) {
      throw takenName(error) ?? error;
    }
  };
}

const accept = <T>(value: T): Checked<T> => ({ value });

function checkUsername(username: string): Checked<string> {
  const fault = usernameFault(username);
  return fault === undefined ? { value: cleanUsername(username) } : { fault };
}
