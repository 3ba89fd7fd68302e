/**
 * Who holds a directory. PGlite does not stop two processes from opening one directory, and loses rows
 * when they do. Holders are numbered files: a holder that is dead is succeeded by creating the next number
 * exclusively, so of many that try exactly one succeeds, and no file is ever taken from a living one.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { privateDirectory } from './data-directory.js';

export interface DirectoryLock {
  /** Gives the directory up; the number stays, so that the next holder counts on. */
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one with its number (kernel start time; empty where unknown). */
  readonly born: string;
  readonly host: string;
  readonly since: string;
}

/** A second process wants a directory that is held. */
export class DirectoryHeldError extends Error {
  override readonly name = 'DirectoryHeldError';
  constructor(directory: string, holder: Holder | undefined) {
    const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another process';
    super(
      `The embedded database in ${directory} is held by ${who}. Stop it first, use another DATA_DIR, or set DATABASE_URL.`,
    );
  }
}

/** Another machine's process (a shared volume) cannot be looked up; it proves its life by touching its file. */
const HEARTBEAT_MS = 5_000;
const SILENT_AFTER_MS = 30_000;
const NAME = /^holder-(\d{1,12})$/;

/** Takes the directory for this process. @throws DirectoryHeldError */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const folder = join(directory, 'lock');
  await privateDirectory(folder);
  const highest = Math.max(0, ...(await numbers(folder)));
  if (highest > 0) await refuseWhileHeld(directory, join(folder, `holder-${highest}`));

  const mine = join(folder, `holder-${highest + 1}`);
  const self: Holder = {
    pid: process.pid,
    born: birth(process.pid),
    host: hostname(),
    since: new Date().toISOString(),
  };
  // Linked, not written, into place: nobody ever sees a number without its holder.
  const draft = join(folder, `draft-${randomUUID()}`);
  await writeFile(draft, JSON.stringify(self), { mode: 0o600 });
  try {
    await link(draft, mine);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new DirectoryHeldError(directory, await readHolder(mine));
  } finally {
    await rm(draft);
  }
  for (const number of await numbers(folder)) {
    if (number > highest + 1)
      throw new DirectoryHeldError(directory, await readHolder(join(folder, `holder-${number}`)));
    if (number <= highest) await rm(join(folder, `holder-${number}`), { force: true });
  }

  const heartbeat = setInterval(() => void utimes(mine, new Date(), new Date()).catch(() => undefined), HEARTBEAT_MS);
  heartbeat.unref();
  return {
    async release() {
      clearInterval(heartbeat);
      await truncate(mine);
    },
  };
}

async function numbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
}

async function refuseWhileHeld(directory: string, path: string): Promise<void> {
  const holder = await readHolder(path);
  if (!holder) return;
  const { mtimeMs } = await stat(path);
  const elsewhere = holder.host !== hostname();
  const alive = elsewhere ? Date.now() - mtimeMs < SILENT_AFTER_MS : isAlive(holder);
  if (alive) throw new DirectoryHeldError(directory, holder);
}

/** Undefined when the number was given up. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8');
  return text === '' ? undefined : (JSON.parse(text) as Holder);
}

function isAlive({ pid, born }: Holder): boolean {
  if (pid === process.pid) return born === birth(pid);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return born === '' || born === birth(pid);
}

/** A process's start in clock ticks since boot, with the boot's id (proc(5)); empty where there is no /proc, 'dead' for a zombie. */
function birth(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (afterName[0] === 'Z') return 'dead';
    return `${afterName[19]} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return '';
  }
}
