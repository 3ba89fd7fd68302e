import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { gracefulShutdown, type Host } from '../../src/server/shutdown.js';

/** A substitute for `process` that records exits. */
function standIn() {
  const events = new EventEmitter();
  const exits: number[] = [];
  const host: Host = {
    on: (event, listener) => events.on(event, listener),
    off: (event, listener) => events.off(event, listener),
    exit: (status) => {
      exits.push(status);
      events.emit('exited');
    },
  };
  return { events, exits, host };
}

function start(options: { close?: () => Promise<unknown>; delayMs?: number; timeoutMs?: number } = {}) {
  const { events, exits, host } = standIn();
  const steps: string[] = [];
  const lines: unknown[][] = [];
  const note = (...line: unknown[]) => void lines.push(line);
  const dispose = gracefulShutdown({
    app: {
      close: () => {
        steps.push('close');
        return options.close?.() ?? Promise.resolve();
      },
    },
    beginDrain: () => void steps.push('drain'),
    ...(options.delayMs === undefined ? {} : { delayMs: options.delayMs }),
    timeoutMs: options.timeoutMs ?? 60_000,
    log: { info: note, error: note, fatal: note },
    host,
  });
  return { events, exits, steps, lines, dispose, exited: () => once(events, 'exited') };
}

const never = () => new Promise(() => undefined);

for (const signal of ['SIGTERM', 'SIGINT']) {
  t.test(`drains, closes and exits with 0 on ${signal}`, async (t) => {
    const { events, exits, steps, exited } = start();
    const exit = exited();
    events.emit(signal);
    await exit;
    t.same(exits, [0]);
    t.same(steps, ['drain', 'close']);
  });
}

t.test('serves requests for delayMs before it closes, but not after an uncaught error', async (t) => {
  const one = start({ delayMs: 1 });
  const exit = one.exited();
  one.events.emit('SIGTERM');
  t.same(one.steps, ['drain']);
  await exit;
  t.same(one.steps, ['drain', 'close']);
  const other = start({ delayMs: 60_000 });
  other.events.emit('uncaughtException', new Error('x'));
  t.same(other.steps, ['drain', 'close']);
});

t.test('exits with 1 if closing times out', async (t) => {
  const { events, exits, lines, exited } = start({ close: never, timeoutMs: 1 });
  const exit = exited();
  events.emit('SIGTERM');
  t.same(exits, [], 'not before the timeout');
  await exit;
  t.same(exits, [1]);
  t.match(lines, [[String], [/within 1 ms/]]);
});

t.test('exits with 1 at once on a second signal', async (t) => {
  const { events, exits, steps } = start({ close: never, timeoutMs: 100 });
  events.emit('SIGTERM');
  events.emit('SIGINT');
  t.same(exits, [1]);
  t.same(steps, ['drain', 'close']);
});

t.test('logs an error of close and exits with 1', async (t) => {
  const err = new Error('stuck');
  const { events, exits, lines, exited } = start({ close: () => Promise.reject(err) });
  const exit = exited();
  events.emit('SIGTERM');
  await exit;
  t.same(exits, [1]);
  t.equal((lines.at(-1)?.[0] as { err: unknown }).err, err);
});

for (const event of ['uncaughtException', 'unhandledRejection']) {
  t.test(`logs an ${event} as an error object and exits with 1 after closing`, async (t) => {
    const { events, exits, steps, lines, exited } = start();
    const exit = exited();
    const err = new Error('x');
    events.emit(event, err);
    await exit;
    t.same(exits, [1]);
    t.same(steps, ['drain', 'close']);
    t.equal((lines[0]?.[0] as { err: unknown }).err, err);
  });
}

t.test('removes its listeners', async (t) => {
  const { events, dispose } = start();
  dispose();
  t.same(events.eventNames(), []);
});

/** Starts a server in a separate process. */
function spawnServer() {
  const script = fileURLToPath(new URL('../helpers/graceful-server.ts', import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const log: Record<string, unknown>[] = [];
  lines.on('line', (line) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    log.push(entry);
    lines.emit(String(entry['msg']).split(' ')[0]!, entry);
  });
  return { child, lines, log, exit: once(child, 'close') };
}

t.test('finishes the request in flight, closes everything and exits with 0', async (t) => {
  const { child, lines, log, exit } = spawnServer();
  const [{ port }] = (await once(lines, 'port')) as [{ port: number }];
  const kept = await fetch(`http://127.0.0.1:${port}/readyz`);
  t.equal(kept.status, 200);
  await kept.text();
  const arrived = once(lines, 'arrived');
  const slow = fetch(`http://127.0.0.1:${port}/slow`);
  await arrived;
  const stopping = once(lines, 'Received');
  child.kill('SIGTERM');
  await stopping;
  child.stdin.write('answer\n');
  const response = await slow;
  t.equal(await response.text(), 'slow');
  t.equal(response.headers.get('connection'), 'close');
  t.same(await exit, [0, null]);
  const messages = log.map((entry) => entry['msg']);
  t.same(messages.slice(-4), ['Received SIGTERM; shutting down', 'request', 'pool closed', 'Shutdown complete']);
});

t.test('logs an unhandled rejection without secrets and exits with 1', async (t) => {
  const { child, lines, log, exit } = spawnServer();
  await once(lines, 'port');
  child.stdin.write('reject\n');
  t.same(await exit, [1, null]);
  t.match(
    log.find((entry) => entry['level'] === 60),
    { msg: /Unhandled rejection/, err: { type: 'string' } },
  );
  t.notMatch(JSON.stringify(log), 'hunter2');
});
