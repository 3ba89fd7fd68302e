/** Administration of accounts. Every change is audited with the administrator who made it. */
import type { AccountRecord } from '../users/account.js';
import { assertNotLastAdministrator, type Deletion } from '../users/deletion.js';
import { emailKey, searchPrefix } from '../users/identifiers.js';
import { createFieldErrors } from '../users/input.js';
import { asTakenError } from '../users/taken-names.js';
import { createAccountRepository, type AccountChanges } from '../users/repository.js';
import type { Actor, Audit } from '../audit/audit.js';
import type { AuditType } from '../audit/event.js';
import type { Role } from '../authz/scopes.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import { AppError, validationError } from '../lib/errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { Factors } from '../mfa/factors/service.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import { isId, page, type Connection, type PageArguments } from '../lib/paging.js';
import type { Revocation } from '../sessions/revocation.js';

/** The acting administrator, or service account with the scope `admin`, and its client. */
export type Administrator = Actor;

/** An omitted field stays unchanged. `null` is rejected, because none of them can be cleared. */
export interface UserChanges {
  readonly role?: Role | null | undefined;
  readonly isPremium?: boolean | null | undefined;
  readonly isVerified?: boolean | null | undefined;
  readonly disabled?: boolean | null | undefined;
}

/** Methods that take an account id: @throws AppError NOT_FOUND if there is no such account for the operation. */
export interface Administration {
  /** Accounts, newest first, including deleted ones. @throws AppError VALIDATION_ERROR for invalid pagination arguments */
  list(args: PageArguments & { readonly search?: string | null | undefined }): Promise<Connection<AccountRecord>>;
  /** An account, deleted or not; null if there is none. */
  find(id: string): Promise<AccountRecord | null>;
  /** @throws AppError VALIDATION_ERROR (null; the last administrator) */
  update(id: string, changes: UserChanges, by: Administrator): Promise<AccountRecord>;
  /** @throws AppError VALIDATION_ERROR for the last administrator */
  delete(id: string, by: Administrator): Promise<void>;
  restore(id: string, by: Administrator): Promise<AccountRecord>;
  /** Removes all second factors of an account and ends its sessions; false if it has none. */
  resetSecondFactors(id: string, by: Administrator): Promise<boolean>;
  /** Ends all sessions of an account; returns how many. */
  revokeSessions(id: string, by: Administrator): Promise<number>;
}

export interface AdministrationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly deletion: Deletion;
  readonly revocation: Revocation;
  readonly tokens: OneTimeTokens;
  readonly outbox: Outbox;
  readonly factors: Pick<Factors, 'reset'>;
}

export function createAdministration(options: AdministrationOptions): Administration {
  const { db, clock, audit, deletion, revocation, tokens, outbox, factors } = options;
  const repository = createAccountRepository(db.executor);

  async function applyChanges(tx: Executor, before: AccountRecord, input: UserChanges, by: Administrator) {
    const { id } = before;
    const role = changed(before.role, input.role);
    const disabled = changed(before.disabledAt !== null, input.disabled);
    const now = new Date(clock.now());
    const isPremium = changed(before.isPremium, input.isPremium);
    const isVerified = changed(before.isVerified, input.isVerified);
    const columns: AccountChanges = {
      ...(role === undefined ? {} : { role }),
      ...(isPremium === undefined ? {} : { isPremium }),
      ...(isVerified === undefined ? {} : { isVerified }),
      // Claims an address that was unconfirmed (REVEAL_TAKEN_EMAILS=false).
      ...(isVerified ? { emailKey: emailKey(before.email) } : {}),
      ...(disabled === undefined ? {} : { disabledAt: disabled ? now : null }),
    };
    if (Object.keys(columns).length === 0) return before;
    const account = await createAccountRepository(tx).updateUndeleted(id, columns, now);
    if (!account) throw notFound();

    const record = (type: AuditType, detail?: string) =>
      audit.record(tx, { type, userId: id, ...by, ...(detail === undefined ? {} : { detail }) });
    if (role !== undefined) await record('account.role_changed', `${before.role} to ${role}`);
    if (disabled === true) {
      await revocation.endAccess(tx, id, by);
      await tokens.void(tx, id);
    }
    if (disabled !== undefined) await record(disabled ? 'account.disabled' : 'account.enabled');
    const others = Object.keys(columns).filter((column) => column === 'isPremium' || column === 'isVerified');
    if (others.length > 0) await record('account.updated', others.join(' '));
    return account;
  }

  return {
    async list({ search, ...args }) {
      const prefix = search == null || search.trim() === '' ? undefined : searchPrefix(search);
      return page(args, (request) => repository.list(request, prefix));
    },

    async find(id) {
      return isId(id) ? ((await repository.findById(id))?.account ?? null) : null;
    },

    async update(id, input, by) {
      const errors = createFieldErrors();
      for (const [field, value] of Object.entries(input)) if (value === null) errors.add(field, 'cannot be cleared');
      if (errors.all.length > 0) throw validationError(errors.all);
      assertId(id);
      const work = db.transaction(async (tx) => {
        // Every transaction locks the administrators before the account, which prevents deadlocks.
        if (input.role === 'USER') await assertNotLastAdministrator(tx, id, 'role');
        else if (input.disabled) await assertNotLastAdministrator(tx, id, 'disabled');
        const before = await createAccountRepository(tx).lock(id);
        if (!before || before.deletedAt) throw notFound();
        return applyChanges(tx, before, input, by);
      });
      return work.catch((error: unknown) => {
        throw asTakenError(error) ?? error;
      });
    },

    async delete(id, by) {
      assertId(id);
      await db.transaction(async (tx) => {
        if (!(await deletion.remove(tx, id, by))) throw notFound();
      });
      outbox.wake();
    },

    async restore(id, by) {
      assertId(id);
      return db.transaction(async (tx) => {
        const account = await deletion.restore(tx, id);
        if (!account) throw notFound();
        await audit.record(tx, { type: 'account.restored', userId: id, ...by });
        return account;
      });
    },

    async resetSecondFactors(id, by) {
      assertId(id);
      return db.transaction((tx) => factors.reset(tx, id, by));
    },

    async revokeSessions(id, by) {
      assertId(id);
      return db.transaction(async (tx) => {
        if (!(await createAccountRepository(tx).exists(id))) throw notFound();
        const ended = await revocation.endAll(tx, id);
        if (ended > 0) await audit.record(tx, { type: 'session.revoked', userId: id, ...by, detail: `all ${ended}` });
        return ended;
      });
    },
  };
}

/** The new value; undefined if it equals the current one or is not given. */
function changed<T>(before: T, value: T | null | undefined): T | undefined {
  return value == null || value === before ? undefined : value;
}

function assertId(id: string): void {
  if (!isId(id)) throw notFound();
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'The account does not exist.');
}
