/**
 * The lock on the data directory. PGlite does not stop two processes from opening one directory, and loses rows when they
 * do. The kernel keeps the lock and drops it when the process dies, however it dies; process ids, host names and clocks
 * play no part, so containers that share a directory exclude each other.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../config/config.js';
import { privateDirectory } from '../config/data-directory.js';
import { loadTryLock, type TryLock } from './file-lock.js';

export interface DirectoryLock {
  /** Releases the lock. The file stays: removing it would let two processes lock two files of one name. */
  release(): void;
}

/** Who has the lock; for the error message only. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** Another process has the directory open. */
export class DirectoryHeldError extends Error {
  override readonly name = 'DirectoryHeldError';
  constructor(directory: string, holder: Holder | undefined, hint = '') {
    const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another process';
    super(
      `The embedded database in ${directory} is held by ${who}. Stop it first, use another DATA_DIR, or set DATABASE_URL.${hint}`,
    );
  }
}

/** Release 0.1 kept numbered files here, and touched the newest one every five seconds. */
const EARLIER_RELEASE = /^holder-(\d{1,12})$/;
const EARLIER_RELEASE_SILENT_MS = 30_000;

/**
 * Locks the directory for this process. Fails at once when it is locked.
 * @throws DirectoryHeldError when another process has it, or an earlier release had it within the last 30 seconds
 * @throws ConfigError when the file system or the platform has no locks
 */
export async function lockDirectory(directory: string, tryLock: TryLock = loadTryLock()): Promise<DirectoryLock> {
  const folder = join(directory, 'lock');
  await privateDirectory(folder);
  const file = join(folder, 'holder');
  // A plain number: a FileHandle closes itself when it is garbage collected, and with it would go the lock.
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
    // ENOLCK, EOPNOTSUPP and the like: some network and FUSE file systems.
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([
      `DATA_DIR: the file system of ${directory} has no file locks (${code}); use a local directory, or set DATABASE_URL`,
    ]);
  }
}

/** Undefined while the holder has not written it yet. */
function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** A process of release 0.1 does not know the lock; its files are removed once nobody touches them. */
async function refuseEarlierRelease(directory: string, folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!EARLIER_RELEASE.test(name)) continue;
    const path = join(folder, name);
    const { size, mtimeMs } = await stat(path);
    // It emptied the file when it stopped in order.
    if (size > 0 && Date.now() - mtimeMs < EARLIER_RELEASE_SILENT_MS)
      throw new DirectoryHeldError(directory, readHolder(path), ' If it was killed, try again in 30 seconds.');
    await rm(path);
  }
}
