/**
 * The lock on the data directory. PGlite does not prevent two processes from opening one directory, which loses rows. The kernel
 * holds the lock and releases it when the process ends, even after a crash. It does not depend on process ids, host names or
 * clocks, so it works across containers that share a directory.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../config/config.js';
import { privateDirectory } from '../config/data-directory.js';
import { loadTryLock, type TryLock } from './file-lock.js';

export interface DirectoryLock {
  /** Releases the lock. Keeps the file: removing it would allow two processes to lock two files of the same name. */
  release(): void;
}

/** The holder of the lock, for the error message. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** Another process holds the lock. */
export class DirectoryHeldError extends Error {
  override readonly name = 'DirectoryHeldError';
  constructor(directory: string, holder: Holder | undefined, hint = '') {
    const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another process';
    super(
      `The embedded database in ${directory} is held by ${who}. Stop it first, use another DATA_DIR, or set DATABASE_URL.${hint}`,
    );
  }
}

/** Release 0.1 used numbered files and touched the newest one every five seconds. */
const EARLIER_RELEASE = /^holder-(\d{1,12})$/;
const EARLIER_RELEASE_SILENT_MS = 30_000;

/**
 * Locks the directory for this process. Does not wait.
 * @throws DirectoryHeldError if another process holds it, or a process of release 0.1 held it within the last 30 seconds
 * @throws ConfigError if the file system or the platform does not support locks
 */
export async function lockDirectory(directory: string, tryLock: TryLock = loadTryLock()): Promise<DirectoryLock> {
  const folder = join(directory, 'lock');
  await privateDirectory(folder);
  const file = join(folder, 'holder');
  // A plain descriptor, because garbage collection of a FileHandle would close it and release the lock.
  const fd = openSync(file, 'a+', 0o600);
  try {
    if (!isLocked(fd, directory, tryLock)) throw new DirectoryHeldError(directory, readHolder(file));
    await refuseEarlierRelease(directory, folder);
    const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
    ftruncateSync(fd);
    writeSync(fd, JSON.stringify(holder));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      ftruncateSync(fd);
      closeSync(fd);
    },
  };
}

function isLocked(fd: number, directory: string, tryLock: TryLock): boolean {
  try {
    return tryLock(fd);
  } catch (error) {
    // ENOLCK, EOPNOTSUPP and others, on some network and FUSE file systems.
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([
      `DATA_DIR: the file system of ${directory} has no file locks (${code}); use a local directory, or set DATABASE_URL`,
    ]);
  }
}

/** Undefined if the holder has not written it yet. */
function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** Detects a running process of release 0.1, which does not use the lock. Removes stale files of that release. */
async function refuseEarlierRelease(directory: string, folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!EARLIER_RELEASE.test(name)) continue;
    const path = join(folder, name);
    const { size, mtimeMs } = await stat(path);
    // Release 0.1 emptied the file on a clean shutdown.
    if (size > 0 && Date.now() - mtimeMs < EARLIER_RELEASE_SILENT_MS)
      throw new DirectoryHeldError(directory, readHolder(path), ' If it was killed, try again in 30 seconds.');
    await rm(path);
  }
}
