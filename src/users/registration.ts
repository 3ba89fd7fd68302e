/** Registration: validates all fields, hashes the password, then creates account, session and audit event in one transaction. */
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../audit/audit.js';
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { PasswordHasher } from '../crypto/password-hasher.js';
import type { Database } from '../db/database.js';
import { validationError } from '../lib/errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { PasswordPolicy } from '../passwords/policy.js';
import { type Sessions } from '../sessions/service.js';
import { REGISTRATION } from '../sessions/params.js';
import type { SignIn } from '../sessions/sign-in.js';
import type { IdentifierChanges, IdentifierKeys } from '../identifier-changes/service.js';
import { emailKey, unclaimedEmailKey, usernameKey } from './identifiers.js';
import { checkDisplayName, checkEmail, checkUsername, createFieldErrors } from './input.js';
import { createAccountRepository } from './repository.js';
import { asTakenError, TAKEN } from './taken-names.js';
import type { Verification } from '../email-verification/service.js';

/** `null` is the same as an omitted field. */
export interface Registration {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly passwordConfirmation?: string | null | undefined;
  readonly displayName?: string | null | undefined;
  readonly rememberMe?: boolean | null | undefined;
}

/**
 * Creates an account, opens its first session and queues the email with the confirmation link.
 * @throws AppError VALIDATION_ERROR (every error, including taken names), SERVICE_UNAVAILABLE
 */
export type Register = (registration: Registration, client: ClientInfo) => Promise<SignIn>;

export interface RegistrationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
  readonly verification: Verification;
  readonly outbox: Outbox;
  readonly changes: IdentifierChanges;
  /** REVEAL_TAKEN_EMAILS. If false, the account claims its address when the mailbox confirms it. */
  readonly revealTakenEmails: boolean;
}

export function createRegistration(options: RegistrationOptions): Register {
  const { db, clock, audit, sessions, hasher, passwords, verification, outbox, changes } = options;
  const { revealTakenEmails } = options;

  /** The names that a registration claims immediately. */
  const claimed = ({ emailKey, usernameKey }: IdentifierKeys): IdentifierKeys =>
    revealTakenEmails ? { emailKey, usernameKey } : { usernameKey };

  async function validate(input: Registration) {
    const errors = createFieldErrors();
    const email = errors.take('email', checkEmail(input.email));
    const username = errors.take('username', checkUsername(input.username));
    const displayName =
      input.displayName == null ? null : errors.take('displayName', checkDisplayName(input.displayName));
    const ownWords = [input.email, input.username, input.displayName ?? ''];
    errors.add('password', ...(await passwords.checkAll(input.password, ownWords)));
    if (input.passwordConfirmation != null && input.passwordConfirmation !== input.password) {
      errors.add('passwordConfirmation', 'must be the same as the password');
    }
    const names = {
      emailKey: email === undefined ? undefined : emailKey(email),
      usernameKey: username === undefined ? undefined : usernameKey(username),
    };
    const taken = await changes.findTaken(db.executor, claimed(names));
    if (taken.email) errors.add('email', TAKEN);
    if (taken.username) errors.add('username', TAKEN);
    if (errors.all.length > 0) throw validationError(errors.all);
    return {
      email: email!,
      username: username!,
      displayName: displayName!,
      emailKey: names.emailKey!,
      usernameKey: names.usernameKey!,
    };
  }

  return async (input, client) => {
    const names = await validate(input);
    const passwordHash = await hasher.hash(passwords.normalize(input.password), widestNetwork(client.ipAddress));
    const now = new Date(clock.now());
    const id = uuidv7();
    try {
      const issued = await db.transaction(async (tx) => {
        const account = await createAccountRepository(tx).insert({
          id,
          ...names,
          ...(revealTakenEmails ? {} : { emailKey: unclaimedEmailKey(names.emailKey, id) }),
          passwordHash,
          createdAt: now,
          updatedAt: now,
          lastLoginAt: now,
        });
        await changes.assertNotReserved(tx, claimed(names), account.id);
        await audit.record(tx, { type: 'account.registered', userId: account.id, client });
        await verification.enqueue(tx, account.id, account.email, client);
        return sessions.open(tx, account, { client, rememberMe: input.rememberMe ?? false }, REGISTRATION);
      });
      outbox.wake();
      return issued;
    } catch (error) {
      throw asTakenError(error) ?? error;
    }
  };
}
