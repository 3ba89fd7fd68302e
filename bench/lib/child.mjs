// Processes of the benchmark's own, which are asked and answer by messages.
import { once } from 'node:events';

/** The next message of a process. @throws Error when it ends before */
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
