/** Creates the first administrator from the configuration at the start, if there is none. */
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
 * Creates the first administrator; its e-mail address is then taken. An existing account with that address is not
 * promoted, because anyone may have registered it: the server starts without an administrator and logs what to do.
 * @throws ConfigError when the address or the password will not do
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
    // Another instance that starts at the same time was faster.
    if (await repository.hasAdministrator()) return;
    log.warn(
      'BOOTSTRAP_ADMIN_EMAIL: belongs to an account that is not an administrator; there is no administrator now. Use another address',
    );
  }
}
