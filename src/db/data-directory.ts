/** Directories that nobody else can open, also when they were there before with a wider mode. */
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';

const PRIVATE = 0o700;
const OTHERS = 0o077;
/** All that is ever put into DATA_DIR. */
const OURS = /^(?:auth-secret(?:\.\d+)?|lock|postgres)$/;

/** Makes a directory of ours inside DATA_DIR, or tightens its mode. */
export async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: PRIVATE });
  await chmod(path, PRIVATE);
}

/**
 * Makes DATA_DIR, or tightens its mode where it holds nothing but ours. One that is shared with other things, or belongs
 * to somebody else (a mounted volume), stays as it is, with a warning; what is in it is private all the same.
 */
export async function dataDirectory(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: PRIVATE });
  if (made !== undefined || ((await stat(path)).mode & OTHERS) === 0) return;
  const isOurs = (await readdir(path)).every((name) => OURS.test(name));
  const tightened =
    isOurs &&
    (await chmod(path, PRIVATE).then(
      () => true,
      () => false,
    ));
  if (!tightened) process.emitWarning(`Others can open ${path}. Give DATA_DIR a directory of its own with mode 0700.`);
}
