/** Creates directories that only this user can open, and tightens the mode of existing ones. */
import { constants } from 'node:fs';
import { access, chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from './config.js';

/** The DATA_DIR for an in-memory database without files. */
export const IN_MEMORY = 'memory://';

const PRIVATE = 0o700;
const OTHERS = 0o077;
/** The files that Latchkey creates in DATA_DIR. */
const OURS = /^(?:auth-secret(?:\.[\w-]+)?|lock|postgres)$/;

/** Creates a private directory inside DATA_DIR, or tightens its mode. */
export async function privateDirectory(path: string): Promise<void> {
  await makeDirectory(path);
  await chmod(path, PRIVATE);
}

/**
 * Creates DATA_DIR, or tightens its mode if it contains only Latchkey's files. A directory with other files, or of another user (a
 * mounted volume), keeps its mode, with a warning; the files in it are private in any case.
 * @throws ConfigError if it cannot be created, read or written
 */
export async function dataDirectory(path: string): Promise<void> {
  await inDataDirectory(path, async () => {
    const made = await makeDirectory(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    if (made || ((await stat(path)).mode & OTHERS) === 0) return;
    const isOurs = (await readdir(path)).every((name) => OURS.test(name));
    const tightened =
      isOurs &&
      (await chmod(path, PRIVATE).then(
        () => true,
        () => false,
      ));
    if (!tightened)
      process.emitWarning(`Others can open ${path}. Give DATA_DIR a directory of its own with mode 0700.`);
  });
}

/** Runs an operation on DATA_DIR. @throws ConfigError in place of a file system error */
export async function inDataDirectory<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    const { path = directory, code } = error as NodeJS.ErrnoException;
    throw new ConfigError([`DATA_DIR: ${path} ${MEANINGS[code ?? ''] ?? 'cannot be used'} (${code})`], {
      cause: error,
    });
  }
}

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'cannot be opened or written by this user',
  EPERM: 'cannot be opened or written by this user',
  EROFS: 'is on a read-only file system',
  ENOTDIR: 'is a file, or below a file, and not a directory',
  ENOENT: 'cannot be created',
  ENOSPC: 'is on a file system that is full',
};

/**
 * Private `mkdir -p`; returns whether the last directory was created. Does not use Node's `recursive` option, which hangs if the
 * file system reports ENOENT for a directory whose parent exists, as /proc does.
 */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: PRIVATE });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      if ((await stat(path)).isDirectory()) return false;
      throw Object.assign(new Error('ENOTDIR: not a directory'), { code: 'ENOTDIR', syscall: 'mkdir', path });
    }
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path) throw error;
    await makeDirectory(parent);
    await mkdir(path, { mode: PRIVATE }).catch((again: NodeJS.ErrnoException) => {
      // A process that started at the same time created it.
      if (again.code !== 'EEXIST') throw again;
    });
    return true;
  }
}
