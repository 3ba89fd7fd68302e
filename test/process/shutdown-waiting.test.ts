/** SIGTERM while requests wait for a password hash or for a database connection, sent to node and to `npm start`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import postgres from 'postgres';
import t from 'tap';
import { program } from '../helpers/child.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { migratedDataDir } from '../helpers/embedded-template.js';
import { ask, DEPLOYMENT, someone, until } from '../helpers/instances.js';
import { startServer, type ServerProcess } from '../helpers/process.js';
import { LOGIN, PASSWORD, REGISTER } from '../helpers/seed.js';

const ENV = {
  ...DEPLOYMENT,
  RATE_LIMIT_ANONYMOUS: '100000/1m',
  RATE_LIMIT_LOGIN_ADDRESS: '100000/1m',
  RATE_LIMIT_FIELDS: 'register=100000/1m,login=100000/1m',
  LOG_LEVEL: 'info',
  SHUTDOWN_TIMEOUT: '10s',
  DATABASE_TIMEOUT: '60s',
};

const metric = async ({ url }: Pick<ServerProcess, 'url'>, name: string) =>
  Number(new RegExp(`^latchkey_${name} (\\d+)$`, 'm').exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

interface Tap {
  teardown(work: () => unknown): void;
}
type Stoppable = Pick<ServerProcess, 'url' | 'output' | 'end'>;

/** Runs the script of `npm start` with npm; dist/ is already built. */
async function startByNpm(t: Tap, env: Record<string, string>): Promise<Stoppable> {
  const npm = spawn(...program('npm', ['start', '--silent', '--ignore-scripts']), {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: '0',
      DATA_DIR: await migratedDataDir(t),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A separate process group, so that the teardown can end a child that npm left running.
    detached: true,
  });
  t.teardown(() => {
    try {
      process.kill(-npm.pid!, 'SIGKILL');
    } catch {
      // All processes of the group have ended.
    }
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /Latchkey is ready: (http:\/\/\S+)\/graphql/.exec(output)?.[1];
      if (ready) resolve(ready);
    };
    npm.stdout.on('data', read);
    npm.stderr.on('data', read);
    npm.once('exit', (status) => reject(new Error(`It ended with ${status}: ${output}`)));
  });
  return {
    url,
    output: () => output,
    async end(signal) {
      const closed = once(npm, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
      npm.kill(signal);
      const [status, by] = await closed;
      return status ?? by ?? 'unknown';
    },
  };
}

const STARTS: Record<string, (t: Tap, env: Record<string, string>) => Promise<Stoppable>> = {
  node: startServer,
  'npm start': startByNpm,
};

for (const [how, start] of Object.entries(STARTS)) {
  t.test(`${how}: SIGTERM answers requests that wait for a password hash, and ends with 0`, async (t) => {
    const server = await start(t, {
      ...ENV,
      ...(onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {}),
      PASSWORD_HASH_CONCURRENCY: '1',
      PASSWORD_HASH_QUEUE_SIZE: '100',
      // Together, the hashes take longer than the shutdown may.
      ARGON2_MEMORY_KIB: '65536',
      ARGON2_TIME_COST: '16',
    });
    const CALLERS = 60;
    let answered = 0;
    const waiting = Promise.all(
      Array.from({ length: CALLERS }, async (_, caller) => {
        const input = { identifier: `nobody-${caller}`, password: PASSWORD };
        const answer = await ask(server, LOGIN, { input });
        answered += 1;
        return answer;
      }),
    );
    // All of them have arrived: a connection that the process has not accepted yet is lost when it stops listening.
    await until(async () => {
      const [running, queued] = [
        await metric(server, 'password_hashes_running'),
        await metric(server, 'password_hashes_waiting'),
      ];
      return running + queued + answered >= CALLERS;
    });
    t.ok(answered < CALLERS, 'some wait');
    t.equal(await server.end('SIGTERM'), 0);
    const answers = await waiting;
    for (const { status, code } of answers) {
      t.ok(code === 'INVALID_CREDENTIALS' || (code === 'SERVICE_UNAVAILABLE' && status === 503), `${status} ${code}`);
    }
    t.match(server.output(), /"msg":"Shutdown complete"/);
    t.notMatch(server.output(), /Unhandled rejection|Uncaught exception|Shutdown failed/);
  });

  if (onRealPostgres) {
    t.test(`${how}: SIGTERM answers requests that wait for a database connection, and ends with 0`, async (t) => {
      const DATABASE_URL = await createTestDatabase(t);
      const server = await start(t, { ...ENV, DATABASE_URL, DATABASE_POOL_SIZE: '2' });
      const admin = postgres(DATABASE_URL, { max: 1, onnotice: () => undefined });
      t.teardown(() => admin.end({ timeout: 1 }));
      await admin.begin(async (tx) => {
        await tx`lock table users in access exclusive mode`;
        const waiting = Promise.all(Array.from({ length: 20 }, () => ask(server, REGISTER, { input: someone() })));
        await until(async () => (await metric(server, 'database_connections_waiting')) >= 18);
        t.equal(await server.end('SIGTERM'), 0);
        for (const answer of await waiting) t.match(answer, { status: 503, code: 'SERVICE_UNAVAILABLE' });
      });
      t.match(server.output(), /"msg":"Shutdown complete"/);
      t.notMatch(server.output(), /Unhandled rejection|Uncaught exception|Shutdown failed/);
    });
  }
}
