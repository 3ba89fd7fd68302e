/** Separate Postgres and Redis servers that a test can stop and start. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestScope } from './app.js';
import { makeCertificates } from './certificates.js';

export interface Service {
  readonly url: string;
  start(): Promise<void>;
  /** Stops it at once and closes its connections; resolves after its exit. */
  stop(): Promise<void>;
}

const POSTGRES = '/usr/lib/postgresql';
/** The directory of the newest Postgres programs on Debian. */
const postgresPrograms = existsSync(POSTGRES)
  ? join(
      POSTGRES,
      readdirSync(POSTGRES)
        .sort((a, b) => Number(a) - Number(b))
        .at(-1)!,
      'bin',
    )
  : undefined;

/** Whether the programs are installed. */
export const hasPostgres = postgresPrograms !== undefined;
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export interface PrivatePostgres extends Service {
  /** The CA of its certificate for localhost and 127.0.0.1. The server accepts connections with and without TLS. */
  readonly ca: string;
  /** The directory of its Unix socket. */
  readonly directory: string;
}

/** DATABASE_URL parameters for each kind of connection, by the words of test titles. */
export const connectionModes = ({ ca }: Pick<PrivatePostgres, 'ca'>): Readonly<Record<string, string>> => ({
  'without TLS': 'sslmode=disable',
  'with sslmode=require': 'sslmode=require',
  'with sslmode=verify-full': `sslmode=verify-full&sslrootcert=${ca}`,
});

/** Starts a new, empty Postgres. */
export async function privatePostgres(t: TestScope): Promise<PrivatePostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'));
  // Postgres does not run as root.
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid);
  const port = await freePort();
  const options = ['-D', directory, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'];
  const made = spawnSync(join(postgresPrograms!, 'initdb'), options, { ...user, cwd: directory, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const { ca, cert, key } = makeCertificates(directory);
  if (user.uid !== undefined) for (const file of [ca, cert, key]) chownSync(file, user.uid, user.gid);
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: directory,
    max_connections: 50,
    ssl: 'on',
    ssl_cert_file: cert,
    ssl_key_file: key,
  };
  const args = ['-D', directory, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const start = () => spawn(join(postgresPrograms!, 'postgres'), args, { ...user, cwd: directory });
  // SIGINT is Postgres's fast shutdown: it ends sessions and rolls back.
  const running = await service(t, directory, `postgres://postgres@127.0.0.1:${port}/postgres`, start, {
    ready: /database system is ready to accept connections/,
    end: 'SIGINT',
  });
  return { ...running, ca, directory };
}

/** Starts an empty Redis, which loses its data when it stops. */
export async function privateRedis(t: TestScope): Promise<Service> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-redis-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  return service(t, directory, `redis://127.0.0.1:${port}`, () => spawn('redis-server', args), {
    ready: /Ready to accept connections/,
    end: 'SIGKILL',
  });
}

async function service(
  t: TestScope,
  directory: string,
  url: string,
  spawnIt: () => ChildProcess,
  { ready, end }: { ready: RegExp; end: NodeJS.Signals },
): Promise<Service> {
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (!child) return;
    const exit = once(child, 'exit');
    child.kill(end);
    child = undefined;
    await exit;
  };
  const start = async (): Promise<void> => {
    const started = (child = spawnIt());
    await new Promise<void>((resolve, reject) => {
      let output = '';
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        if (ready.test(output)) resolve();
      };
      started.stdout?.on('data', read);
      started.stderr?.on('data', read);
      started.once('exit', (status) => reject(new Error(`It ended with ${status}: ${output}`)));
    });
  };
  t.teardown(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });
  await start();
  return { url, start, stop };
}

function idOf(which: '-u' | '-g'): number {
  return Number(spawnSync('id', [which, 'postgres'], { encoding: 'utf8' }).stdout);
}

/** A port that is free at the moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
