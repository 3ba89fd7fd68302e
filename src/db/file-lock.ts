/**
 * An exclusive advisory lock on an open file. The kernel holds it until the file is closed: an open file description lock on Linux
 * (fcntl(2), F_OFD_SETLK), flock(2) on macOS, LockFileEx on Windows. Node has no API for them.
 */
import { createRequire } from 'node:module';
import { ConfigError } from '../config/config.js';

/** Locks the open file; false if it is already locked. @throws Error of the system call */
export type TryLock = (fd: number) => boolean;

/**
 * Loads the native module. It is loaded only for the embedded database, so that a platform without a prebuilt binary can
 * still run with DATABASE_URL.
 * @throws ConfigError if there is no binary for this platform
 */
export function loadTryLock(load: (name: string) => unknown = createRequire(import.meta.url)): TryLock {
  try {
    // The package has no type declarations.
    const { tryLock } = load('fs-native-extensions') as { tryLock: TryLock };
    return tryLock;
  } catch {
    const platform = `${process.platform}-${process.arch}`;
    throw new ConfigError([`DATABASE_URL: must be set, the embedded database has no file locks on ${platform}`]);
  }
}
