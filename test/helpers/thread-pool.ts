/** Blocks libuv's thread pool, so that password hashes wait until the test releases it. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestScope } from './app.js';

/** The default of libuv. */
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

/**
 * Occupies every thread of the pool: each waits for a writer of a named pipe.
 * @param directory for the pipe
 * @returns a function that releases the threads
 */
export function stopThreadPool(t: TestScope, directory: string): () => Promise<void> {
  const pipe = join(directory, 'thread-pool');
  const { status, stderr } = spawnSync('mkfifo', [pipe], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mkfifo failed: ${stderr}`);
  const waiting = Array.from({ length: THREADS }, () => open(pipe, 'r'));
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    // Opening both ends never blocks, and unblocks all readers.
    const writer = openSync(pipe, constants.O_RDWR);
    for (const opening of waiting) await (await opening).close();
    closeSync(writer);
  };
  const releaseOnce = () => (released ??= release());
  t.teardown(releaseOnce);
  return releaseOnce;
}
