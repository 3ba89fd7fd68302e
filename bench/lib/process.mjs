// Processes that are measured: started, watched through /proc, and ended by their own id.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onEnd } from './ends.mjs';

/** Linux counts the time of processes in hundredths of a second. */
const TICK_US = 10_000;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5000;

/** CPU time that processes have used so far, in microseconds; those that are gone count nothing. */
export function cpuOf(pids) {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended.
    }
  }
  return ticks * TICK_US;
}

/** Resident memory in MB. */
export function residentMb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** A port that is free at the moment. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

/**
 * Starts a server, which ends with the run, and waits for its first right answer. Its output goes to a file, as under a service manager, so that
 * nobody spends time on reading it.
 * @param args of node, the script first
 * @param answers asks it once, at its address; true when the answer is right
 */
export async function startServer({ name, args, env, cwd, workDir, answers }) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(workDir, `${name.replace(/\W+/g, '-')}-${port}.log`);
  const log = openSync(logFile, 'w');
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), ...env(url) },
    stdio: ['ignore', log, log],
    detached: true,
  });
  onEnd(() => stop(child));
  closeSync(log);
  while (!(await answers(url).catch(() => false))) {
    const late = performance.now() - startedAt > START_TIMEOUT_MS;
    if (hasEnded(child) || late) {
      child.kill('SIGKILL');
      throw new Error(`${name} ${late ? 'does not answer' : 'ended'}:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await delay(5);
  }
  return {
    name,
    url,
    pid: child.pid,
    firstAnswerMs: performance.now() - startedAt,
    stop: () => stop(child),
  };
}

/** Ends a process: asked to, and after some seconds by force. */
export async function stop(child, [ask, force] = ['SIGTERM', 'SIGKILL']) {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill(ask);
  await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  if (hasEnded(child)) return;
  child.kill(force);
  await ended;
}

export const hasEnded = ({ exitCode, signalCode }) => exitCode !== null || signalCode !== null;
