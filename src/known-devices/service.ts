/**
 * Devices from which an account has signed in (OWASP Authentication Cheat Sheet, "Login Throttling"). A device is a random token
 * in a cookie, stored as a hash. It does not authenticate anybody; it gives login attempts a budget that other clients cannot
 * exhaust.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import { createDeviceRepository } from './repository.js';

/** The content of the device cookie. */
export interface RememberedDevice {
  /** The new token; undefined if the device keeps its token. */
  readonly token: string | undefined;
  readonly expiresAt: Date;
}

export interface KnownDevices {
  /** The accounts that have signed in from a device. @param device as returned by `deviceHash` */
  accountsOf(device: string): Promise<ReadonlySet<string>>;
  /**
   * Stores the device of a successful login. Replaces a token that the account does not know, which protects against planted
   * cookies.
   * @param device as returned by `deviceHash`; undefined if the request has none
   */
  remember(userId: string, device: string | undefined): Promise<RememberedDevice>;
  /** Deletes one device of an account in the caller's transaction. */
  forget(tx: Executor, userId: string, device: string): Promise<void>;
  /** Deletes all devices of an account except `exceptDevice` in the caller's transaction. */
  forgetAll(tx: Executor, userId: string, exceptDevice?: string): Promise<void>;
  /** Deletes up to `limit` expired devices; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const TOKEN_BYTES = 32;
/** 32 bytes in base64url, without padding. */
const TOKEN = /^[\w-]{43}$/;
const LIFETIME_MS = 180 * 86_400_000;
/** More than the browsers of one person. Clients without cookies create a device at each login. */
const MAX_DEVICES = 20;

/** The stored hash of a token; undefined for a malformed token. */
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
