import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

/** Temporary files older than this belong to a build that was killed. */
const ABANDONED_AFTER_MS = 60_000;

/**
 * Makes the content of a directory equal to `files`. Only changed files are written, under a temporary name and then renamed, so
 * that a concurrent reader (a running server, another build) never sees half a file. Files are written in the given order: the
 * last one may refer to the others.
 * @param {string} directory
 * @param {Map<string, Uint8Array | string>} files by path below the directory, with slashes
 * @param {(path: string) => boolean} keep whether a file that was not built stays
 * @returns {Promise<{ written: number, removed: number }>}
 */
export async function publish(directory, files, keep = () => false) {
  let written = 0;
  for (const [path, content] of files) {
    const target = join(directory, path);
    const bytes = Buffer.from(content);
    if ((await readFile(target).catch(() => undefined))?.equals(bytes)) continue;
    const temporary = `${target}.${process.pid}.tmp`;
    await mkdir(dirname(target), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, target);
    written += 1;
  }
  let removed = 0;
  for (const path of await filesBelow(directory)) {
    if (files.has(path) || keep(path) || (path.endsWith('.tmp') && (await isFresh(join(directory, path))))) continue;
    await rm(join(directory, path), { force: true });
    removed += 1;
  }
  return { written, removed };
}

/**
 * One digest of files, their names included.
 * @param {readonly string[]} paths
 * @returns {Promise<string>} SHA-256 in hexadecimal
 */
export async function digestOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths)
    hash
      .update(`${path}\0`)
      .update(await readFile(path))
      .update('\0');
  return hash.digest('hex');
}

/**
 * The files below a directory, sorted, with slashes; none where there is no directory.
 * @param {string} directory
 * @returns {Promise<string[]>}
 */
export async function filesBelow(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

async function isFresh(path) {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
  return Date.now() - mtimeMs < ABANDONED_AFTER_MS;
}
