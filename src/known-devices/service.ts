/**
 * Devices that an account signed in from (OWASP Authentication Cheat Sheet, "Login Throttling"): a random token in a
 * cookie, stored as a hash. It proves nothing by itself; it only gives login attempts a budget that strangers cannot use
 * up.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import { createDeviceRepository } from './repository.js';

/** What the cookie is to hold. */
export interface RememberedDevice {
  /** The new token; undefined where the device keeps the one it has. */
  readonly token: string | undefined;
  readonly expiresAt: Date;
}

export interface KnownDevices {
  /** The accounts that know a device. @param device as of `deviceHash` */
  accountsOf(device: string): Promise<ReadonlySet<string>>;
  /**
   * Remembers the device of a login that succeeded. A token that the account does not know is replaced, so that one that
   * was planted in a browser is worth nothing.
   * @param device as of `deviceHash`; undefined where the request has none
   */
  remember(userId: string, device: string | undefined): Promise<RememberedDevice>;
  /** Forgets one device of an account inside the caller's transaction. */
  forget(tx: Executor, userId: string, device: string): Promise<void>;
  /** Forgets all devices of an account, but `exceptDevice`, inside the caller's transaction. */
  forgetAll(tx: Executor, userId: string, exceptDevice?: string): Promise<void>;
  /** Removes up to `limit` devices that have expired; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const TOKEN_BYTES = 32;
/** 32 bytes in base64url, without padding. */
const TOKEN = /^[\w-]{43}$/;
const LIFETIME_MS = 180 * 86_400_000;
/** More browsers than a person uses; clients without cookies are a new one at each login. */
const MAX_DEVICES = 20;

/** What is stored of a token; undefined for what is none. */
export function deviceHash(token: string | undefined): string | undefined {
  if (token === undefined || !TOKEN.test(token)) return undefined;
  return createHash('sha256').update(token).digest('base64url');
}

export function createKnownDevices({ db, clock }: { readonly db: Database; readonly clock: Clock }): KnownDevices {
  const repository = createDeviceRepository(db.executor);
  return {
    accountsOf: async (device) => new Set(await repository.listAccounts(device, new Date(clock.now()))),

    async remember(userId, device) {
      const now = new Date(clock.now());
      const expiresAt = new Date(now.getTime() + LIFETIME_MS);
      if (device !== undefined && (await repository.renew(userId, device, now, expiresAt)))
        return { token: undefined, expiresAt };
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const tokenHash = deviceHash(token)!;
      await repository.insert({ userId, tokenHash, createdAt: now, lastUsedAt: now, expiresAt }, MAX_DEVICES, device);
      return { token, expiresAt };
    },

    forget: (tx, userId, device) => createDeviceRepository(tx).delete(userId, device),
    forgetAll: (tx, userId, exceptDevice) => createDeviceRepository(tx).deleteAll(userId, exceptDevice),
    clear: (tx, limit) => createDeviceRepository(tx).deleteExpired(new Date(clock.now()), limit),
  };
}
