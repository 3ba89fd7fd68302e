/** Accounts that the first sign-in with an identity creates. They have no password. */
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../audit/audit.js';
import type { Executor } from '../db/database.js';
import type { IdentifierChanges } from '../identifier-changes/service.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { AccountRecord } from '../users/account.js';
import { emailKey, usernameKey } from '../users/identifiers.js';
import { checkAvatarUrl, checkDisplayName, checkEmail, type Checked } from '../users/input.js';
import { createPlaceholderEmail } from '../users/placeholder-email.js';
import { createAccountRepository } from '../users/repository.js';
import type { FinishedFlow } from './flows.js';
import { createIdentityRepository } from './repository.js';
import { suggestUsername, withDigits } from './usernames.js';

/**
 * Creates the account of an identity that no account has, in the caller's transaction. Undefined if the address is taken: accounts
 * are never linked by address, because the provider and we may have checked different people.
 * @throws the driver's error for a unique constraint, if a concurrent request was first
 */
export type CreateAccount = (
  tx: Executor,
  found: FinishedFlow,
  client: ClientInfo,
) => Promise<AccountRecord | undefined>;

export interface CreateAccountOptions {
  readonly clock: Clock;
  readonly audit: Audit;
  readonly changes: Pick<IdentifierChanges, 'findTaken' | 'assertNotReserved'>;
}

export function createAccountCreation({ clock, audit, changes }: CreateAccountOptions): CreateAccount {
  async function freeUsername(tx: Executor, { profile }: FinishedFlow): Promise<string> {
    const name = suggestUsername(profile);
    const { username: isTaken } = await changes.findTaken(tx, { usernameKey: usernameKey(name) });
    return isTaken ? withDigits(name) : name;
  }

  return async (tx, found, client) => {
    const { provider, profile } = found;
    const email = valueOf(profile.email, checkEmail);
    const key = email === null ? undefined : emailKey(email);
    if (key !== undefined && (await changes.findTaken(tx, { emailKey: key })).email) return undefined;
    const username = await freeUsername(tx, found);
    const now = new Date(clock.now());
    const id = uuidv7();
    const address = email ?? createPlaceholderEmail();
    const account = await createAccountRepository(tx).insert({
      id,
      email: address,
      emailKey: emailKey(address),
      username,
      usernameKey: usernameKey(username),
      displayName: valueOf(profile.displayName, checkDisplayName),
      avatarUrl: valueOf(profile.avatarUrl, checkAvatarUrl),
      // The provider has verified the address.
      isVerified: email !== null,
      createdAt: now,
      updatedAt: now,
      lastLoginAt: now,
    });
    await changes.assertNotReserved(tx, { emailKey: key, usernameKey: usernameKey(username) }, id);
    const { issuer, subject, displayName } = profile;
    const identity = { id: uuidv7(), userId: id, provider, issuer, subject, displayName, createdAt: now };
    if (!(await createIdentityRepository(tx).insert({ ...identity, lastUsedAt: now }))) throw new IdentityTaken();
    await audit.record(tx, { type: 'account.registered', userId: id, client, detail: `with ${provider}` });
    return account;
  };
}

/** A concurrent request created an account for the same identity. */
export class IdentityTaken extends Error {
  override readonly name = 'IdentityTaken';
}

/** What the provider says is a suggestion: an invalid value is left out. */
function valueOf(text: string | null, check: (text: string) => Checked<string>): string | null {
  const checked = text === null ? undefined : check(text);
  return checked && 'value' in checked ? checked.value : null;
}
