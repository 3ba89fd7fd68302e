// Child processes of the benchmark, with messages for requests and responses.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { onEnd } from './ends.mjs';

/** Starts a script, which ends with the run. */
export function forkChild(file, args = [], options = {}) {
  const child = fork(file, args, options);
  onEnd(() => child.kill());
  return child;
}

/** The next message of a process. @throws Error if the process ends before */
export async function answerOf(child) {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = () => new Error(`${child.spawnargs.at(1)} ended with ${child.exitCode ?? child.signalCode}`);
  if (child.exitCode !== null || child.signalCode !== null) throw ended();
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message),
      once(child, 'exit', { signal }).then(() => Promise.reject(ended())),
    ]);
  } finally {
    settled.abort();
  }
}
