// The Postgres to measure on: the server of DATABASE_URL, or a cluster of our own in a temporary directory.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { onEnd } from './ends.mjs';
import { freePort, hasEnded, stop } from './process.mjs';

const EXPLANATION = `The benchmark needs a Postgres:
  - DATABASE_URL=postgres://… of a role that may create databases, or
  - Debian's package postgresql (apt-get install postgresql), with which it starts one of its own.`;

/** Other settings have the defaults of Postgres, including durable writes. */
const SETTINGS = ['-c', 'max_connections=200', '-c', 'listen_addresses=127.0.0.1'];

/** Opens the server. Its new databases are dropped at the end. @throws Error that names the requirements */
export async function openPostgres(workDir) {
  const cluster = process.env.DATABASE_URL ? undefined : await startCluster(join(workDir, 'cluster'));
  const base = new URL(process.env.DATABASE_URL || cluster.url);
  const server = postgres(base.href, { max: 1, onnotice: () => undefined });
  const [{ version }] = await server`select split_part(version(), ' on ', 1) as version`;
  const created = new Set();
  onEnd(async () => {
    // A temporary cluster is deleted as a whole.
    for (const name of cluster ? [] : created) await server.unsafe(`drop database if exists ${name} with (force)`);
    await server.end({ timeout: 5 });
  });
  const urlOf = (name) => {
    const url = new URL(base);
    url.pathname = `/${name}`;
    return url.href;
  };

  return {
    version,
    origin: cluster ? 'a temporary cluster' : 'DATABASE_URL',
    binDir: cluster?.binDir ?? binaries(),

    /** Creates an empty database; its address. */
    async create(label) {
      const name = `latchkey_bench_${label}_${process.pid}`;
      await server.unsafe(`create database ${name} template template0`);
      created.add(name);
      return urlOf(name);
    },

    /** `database`: the backend processes of a database if they run on this machine; else nothing. */
    async backends(url) {
      const name = new URL(url).pathname.slice(1);
      const rows = await server`select pid from pg_stat_activity where datname = ${name}`;
      const pids = rows.map(({ pid }) => pid).filter((pid) => existsSync(`/proc/${pid}/stat`));
      return pids.length > 0 ? { database: pids } : {};
    },
  };
}

/** The directory of initdb and pgbench: the newest of Debian, or one of PATH; undefined if there is none. */
function binaries() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const found = [...versions.map((version) => join(debian, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return found.find((dir) => existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'pgbench')));
}

async function startCluster(directory) {
  const binDir = binaries();
  if (!binDir) throw new Error(EXPLANATION);
  mkdirSync(directory);
  // Postgres refuses to run as root. Debian's package creates a user.
  const asRoot = process.getuid() === 0;
  if (asRoot) {
    const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    chownSync(directory, id('-u'), id('-g'));
  }
  const command = (program, args) =>
    asRoot
      ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', program, ...args]]
      : [program, args];
  const data = join(directory, 'data');
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'];
  execFileSync(...command(join(binDir, 'initdb'), initdb), { cwd: directory, stdio: 'pipe' });
  const port = await freePort();
  const args = ['-D', data, '-p', String(port), '-k', directory, ...SETTINGS];
  const child = spawn(...command(join(binDir, 'postgres'), args), { cwd: directory, stdio: 'ignore', detached: true });
  // The fast shutdown of Postgres, then the immediate one, which also ends its child processes.
  onEnd(() => stop(child, ['SIGINT', 'SIGQUIT']));
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const probe = postgres(url, { max: 1, connect_timeout: 2 });
    const up = await probe`select 1`.then(Boolean, () => false);
    await probe.end({ timeout: 1 });
    if (up) break;
    if (hasEnded(child)) throw new Error(`The cluster ended with ${child.exitCode ?? child.signalCode}`);
    await delay(50);
  }
  return { url, binDir };
}
