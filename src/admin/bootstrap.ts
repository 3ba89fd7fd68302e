/** Creates the first administrator from the configuration at startup, if there is none. */
import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../audit/audit.js';
import type { Clock } from '../lib/clock.js';
import { ConfigError } from '../config/config.js';
import type { PasswordHasher } from '../crypto/password-hasher.js';
import type { Database } from '../db/database.js';
import { constraintOf } from '../db/errors.js';
import type { PasswordPolicy } from '../passwords/policy.js';
import { cleanEmail, emailError, emailKey } from '../users/identifiers.js';
import { createAccountRepository } from '../users/repository.js';

export interface BootstrapOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
  readonly email: string;
  readonly password: string;
  readonly log: { warn(message: string): void };
}

const CLIENT = { ipAddress: 'configuration', network: 'configuration', userAgent: null };

/**
 * Creates the first administrator. Does not promote an existing account with that address, because anybody may have registered
 * it: the server then starts without an administrator and logs a warning.
 * @throws ConfigError if the address or the password is invalid
 */
export async function createFirstAdministrator(options: BootstrapOptions): Promise<void> {
  const { db, clock, audit, hasher, passwords, email, password, log } = options;
  const repository = createAccountRepository(db.executor);
  if (await repository.hasAdministrator()) return;

  const issues = passwords.check(password, [email]).map((issue) => `BOOTSTRAP_ADMIN_PASSWORD: ${issue}`);
  const emailIssue = emailError(email);
  if (emailIssue !== undefined) issues.unshift(`BOOTSTRAP_ADMIN_EMAIL: ${emailIssue}`);
  if (issues.length > 0) throw new ConfigError(issues);

  const passwordHash = await hasher.hash(passwords.normalize(password));
  const username = `admin-${randomBytes(4).toString('hex')}`;
  const now = new Date(clock.now());
  try {
    await db.transaction(async (tx) => {
      const { id } = await createAccountRepository(tx).insert({
        id: uuidv7(),
        email: cleanEmail(email),
        emailKey: emailKey(email),
        username,
        usernameKey: username,
        passwordHash,
        role: 'ADMIN',
        isVerified: true,
        createdAt: now,
        updatedAt: now,
      });
      await audit.record(tx, {
        type: 'account.registered',
        userId: id,
        actorId: null,
        client: CLIENT,
        detail: 'the first administrator',
      });
    });
  } catch (error) {
    if (constraintOf(error) !== 'users_email_key_unique') throw error;
    // An instance that started at the same time created it.
    if (await repository.hasAdministrator()) return;
    log.warn(
      'BOOTSTRAP_ADMIN_EMAIL: belongs to an account that is not an administrator; there is no administrator now. Use another address',
    );
  }
}
