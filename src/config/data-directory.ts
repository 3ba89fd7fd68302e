/** Directories that nobody else can open, also if they existed before with a wider mode. */
import { constants } from 'node:fs';
import { access, chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from './config.js';

/** The DATA_DIR that keeps nothing. */
export const IN_MEMORY = 'memory://';

const PRIVATE = 0o700;
const OTHERS = 0o077;
/** All that is ever put into DATA_DIR. */
const OURS = /^(?:auth-secret(?:\.[\w-]+)?|lock|postgres)$/;

/** Creates a directory of ours inside DATA_DIR, or tightens its mode. */
export async function privateDirectory(path: string): Promise<void> {
  await makeDirectory(path);
  await chmod(path, PRIVATE);
}

/**
 * Creates DATA_DIR, or tightens its mode if it holds nothing but ours. A directory that is shared with other things, or
 * that belongs to somebody else (a mounted volume), keeps its mode, with a warning; what is in it is private all the same.
 * @throws ConfigError if it cannot be created, written or read
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

/** Does something with the files in DATA_DIR. @throws ConfigError in place of an error of the file system */
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
 * `mkdir -p`, private; whether the last directory was created. Not Node's `recursive`, which never returns where the file
 * system answers ENOENT to a directory whose parent exists, as /proc does.
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
      // Another process that starts at the same time was faster.
      if (again.code !== 'EEXIST') throw again;
    });
    return true;
  }
}
