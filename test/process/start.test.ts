/** The server process for an operator: start, refused start, stop, crash. Needs dist/, which `npm test` builds. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { nodeProgram, program } from '../helpers/child.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { migratedDataDir } from '../helpers/embedded-template.js';
import { refusal, startServer } from '../helpers/process.js';
import { claimsOf } from '../helpers/tokens.js';

const register = (name: string) =>
  `mutation { register(input: { email: "${name}@mail.test", username: "${name}", password: "a quiet brass telescope" }) { accessToken user { id } } }`;
const login = (name: string) =>
  `mutation { login(input: { identifier: "${name}", password: "a quiet brass telescope" }) { accessToken } }`;

/** Containers often lack it. */
const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** A data directory in which a server has run. */
async function home(t: Tap): Promise<Record<string, string>> {
  if (!onRealPostgres) return { DATA_DIR: await migratedDataDir(t) };
  return { DATA_DIR: t.testdir(), DATABASE_URL: await createTestDatabase(t) };
}
async function emptyHome(t: Tap): Promise<Record<string, string>> {
  const DATA_DIR = t.testdir();
  return onRealPostgres ? { DATA_DIR, DATABASE_URL: await createTestDatabase(t, { empty: true }) } : { DATA_DIR };
}
interface Tap {
  testdir(): string;
  teardown(work: () => unknown): void;
}

t.test('starts on an empty directory, stops on SIGTERM with status 0, and starts again with its data', async (t) => {
  const env = await emptyHome(t);
  const first = await startServer(t, env);
  t.match(first.output(), /Playground: http:\/\/127\.0\.0\.1:\d+\/graphiql/);
  t.equal((await fetch(`${first.url}/readyz`)).status, 200);
  t.equal((await fetch(`${first.url}/graphiql`)).status, 200);
  const { data } = await first.graphql(register('ada'));
  const token = (data?.['register'] as { accessToken: string }).accessToken;
  t.equal(claimsOf(token)['iss'], first.url, 'the issuer is the URL it listens on, also for port 0');
  t.equal(await first.end('SIGTERM'), 0);

  const again = await startServer(t, env);
  t.equal((await again.graphql(login('ada'))).errors, undefined);
  if (!env['DATABASE_URL']) {
    const secret = join(env['DATA_DIR']!, 'auth-secret');
    t.equal(statSync(secret).mode & 0o777, 0o600);
  }
  t.equal(await again.end('SIGINT'), 0);
});

if (hasIPv6) {
  t.test('prints a working URL for an IPv6 host, and issues tokens for it', async (t) => {
    const server = await startServer(t, { ...(await home(t)), HOST: '::1' });
    t.match(server.url, /^http:\/\/\[::1\]:\d+$/);
    const { data } = await server.graphql(register('ada'));
    t.equal(claimsOf((data?.['register'] as { accessToken: string }).accessToken)['iss'], server.url);
  });
}

t.test('keeps every acknowledged write after kill -9 under load, and starts again', async (t) => {
  const env = await home(t);
  const server = await startServer(t, env);
  const acknowledged: string[] = [];
  let count = 0;
  const writer = async () => {
    for (;;) {
      const name = `user${(count += 1)}`;
      const answer = await server.graphql(register(name)).catch(() => undefined);
      if (!answer?.data) return;
      acknowledged.push(name);
      if (acknowledged.length === 30) server.child.kill('SIGKILL');
    }
  };
  await Promise.all([writer(), writer(), writer()]);
  t.ok(acknowledged.length >= 30);
  const next = await startServer(t, env);
  for (const name of acknowledged) t.equal((await next.graphql(login(name))).errors, undefined, name);
});

if (!onRealPostgres) {
  t.test('refuses a directory that another process holds, and names the process', async (t) => {
    const env = await home(t);
    const holder = await startServer(t, env);
    const { output, status } = await refusal(t, env);
    t.equal(status, 1);
    t.match(output, new RegExp(`held by process ${holder.child.pid}`));
    t.notMatch(output, /\n\s+at /, 'in plain words');
    t.equal((await holder.graphql('{ __typename }')).data?.['__typename'], 'Query', 'the holder goes on');
  });
}

t.test('refuses to start with configuration errors, and names all of them', async (t) => {
  const { output, status } = await refusal(t, { NODE_ENV: 'production', PORT: 'x', DATA_DIR: 'memory://' });
  t.equal(status, 1);
  for (const name of ['PORT', 'AUTH_SECRET', 'PUBLIC_URL']) t.match(output, new RegExp(`^ {2}${name}: `, 'm'));
});

t.test('reports every other start failure in one line, with status 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const failures: [Record<string, string>, RegExp][] = [
    [{ DATABASE_URL: 'postgres://u:hunter2hunter2@127.0.0.1:1/x' }, /database x on 127\.0\.0\.1:1: .*ECONNREFUSED/],
    [{ DATABASE_URL: 'postgres://u:hunter2hunter2@nowhere.invalid/x' }, /x on nowhere\.invalid:5432: .*unavailable/],
    [{ PORT: String(port) }, new RegExp(`PORT: another process already listens on 127\\.0\\.0\\.1:${port}`)],
    [{ METRICS_PORT: String(port) }, /METRICS_PORT: another process already listens on/],
    [{ HOST: '203.0.113.1' }, /HOST: 203\.0\.113\.1 is not an address of this machine/],
    [{ DATA_DIR: '/proc/latchkey' }, /DATA_DIR: \/proc\/latchkey cannot be created/],
    [{ DATA_DIR: process.execPath }, /DATA_DIR: .* is a file/],
    [{ MAIL_FROM: 'a@b.example', SMTP_URL: 'smtp://u:hunter2%hunter2@mail.example' }, /SMTP_URL: .*percent-encoded/],
  ];
  if (onRealPostgres) {
    const nobody = new URL(await createTestDatabase(t));
    nobody.username = 'nobody_of_this_name';
    nobody.password = 'hunter2hunter2';
    failures.push(
      [{ DATABASE_URL: nobody.href }, /nobody_of_this_name/],
      [{ DATABASE_URL: 'postgres://u@127.0.0.1:1/x', PORT: String(port) }, /PORT: another process already listens on/],
    );
  }
  // Some retry an unreachable database for a while.
  const check = async ([env, reason]: [Record<string, string>, RegExp]): Promise<void> => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'latchkey-start-'));
    t.teardown(() => rm(DATA_DIR, { recursive: true }));
    const { output, status } = await refusal(t, { DATA_DIR, ...env });
    t.equal(status, 1);
    t.match(output, reason);
    t.match(output, /^(?:Latchkey cannot start.*|The configuration has an error:\n {2}.*)\n$/, 'nothing else');
    if (env['PORT'] ?? env['METRICS_PORT']) t.same(readdirSync(DATA_DIR), [], 'nothing was opened before');
    t.notMatch(output, /hunter2/);
  };
  await Promise.all(failures.map(check));
});

t.test('serves neither playground nor introspection in production', async (t) => {
  const env = {
    ...(await home(t)),
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://auth.example.com',
    AUTH_SECRET: 'n3Vq8sT1yZ6uB4wX9cK2mP7rL5dF0gHj',
    METRICS_PORT: '0',
  };
  const server = await startServer(t, env);
  t.equal((await fetch(`${server.url}/metrics`)).status, 404, 'metrics have a port of their own');
  if (!onRealPostgres) t.match(server.output(), /DATABASE_URL is not set; the embedded database/);
  t.equal((await fetch(`${server.url}/graphiql`)).status, 404);
  t.equal((await server.graphql('{ __schema { types { name } } }')).errors?.[0]?.extensions.code, 'QUERY_REJECTED');
  const answer = await server.graphql('{ mee { id } }');
  t.notMatch(JSON.stringify(answer), /did you mean/i);
  t.match((await fetch(`${server.url}/healthz`)).headers.get('strict-transport-security'), /max-age/);
});

t.test('refuses to start on an unsupported Node version before loading anything else', async (t) => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  t.equal(engines.node, '^20.19.0 || >=22.12.0');
  for (const version of ['18.20.8', '20.18.3', '21.7.3', '22.11.0']) {
    const pretend = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); require('./dist/server/start.cjs')`;
    const child = promisify(execFile)(...nodeProgram(['-e', pretend]), { env: { PORT: 'x' } });
    await t.rejects(child, { code: 1, stderr: /^Latchkey needs Node 20\.19 [^\n]*\n$/ }, version);
  }
  for (const version of ['20.19.0', '22.12.0', '24.0.0']) {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } }); require('./dist/server/start.cjs')`;
    const child = promisify(execFile)(...nodeProgram(['-e', pretend]), { env: { PORT: 'x' } });
    await t.rejects(child, { code: 1, stderr: /PORT: expected/ }, version);
  }
});

t.test('passes SIGTERM from npm start to the server', async (t) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
  const env = { PATH: process.env['PATH'], DATA_DIR: 'memory://', PORT: '0' };
  // As npm runs a script: npm forwards its signals to this process.
  const shell = spawn(...program('sh', ['-c', scripts.start]), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => shell.kill('SIGKILL'));
  let output = '';
  await new Promise<void>((resolve, reject) => {
    shell.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Latchkey is ready')) resolve();
    });
    shell.once('close', () => reject(new Error(output)));
  });
  const closed = once(shell, 'close');
  shell.kill('SIGTERM');
  t.same(await closed, [0, null]);
  t.match(output, /"msg":"Shutdown complete"/);
});

t.test('creates nothing when there is no deployment', async (t) => {
  const DATA_DIR = t.testdir();
  const rotate = (env: Record<string, string>) =>
    promisify(execFile)(...nodeProgram(['dist/server/cli/rotate-keys.js']), {
      env: { PATH: process.env['PATH'], DATA_DIR, ...env },
    });
  const AUTH_SECRET = 'n3Vq8sT1yZ6uB4wX9cK2mP7rL5dF0gHj';
  await t.rejects(rotate({ AUTH_SECRET }), { code: 1, stderr: /there is no database in / });
  await t.rejects(rotate({ DATA_DIR: 'memory://', AUTH_SECRET }), { code: 1, stderr: /no database in memory/ });
  await t.rejects(rotate({ JWT_ALGORITHM: 'HS256', JWT_SECRET_KEY: AUTH_SECRET }), {
    code: 1,
    stderr: /JWT_SECRET_KEY/,
  });
  const elsewhere = 'postgres://u:hunter2hunter2@127.0.0.1:1/x';
  await t.rejects(rotate({ DATABASE_URL: elsewhere }), { code: 1, stderr: /AUTH_SECRET: is not set/ });
  await t.rejects(rotate({ DATABASE_URL: elsewhere, AUTH_SECRET }), {
    code: 1,
    stderr: /^The signing key cannot be rotated with the database x on 127\.0\.0\.1:1: .*ECONNREFUSED[^\n]*\n$/,
  });
  if (onRealPostgres) {
    const DATABASE_URL = await createTestDatabase(t, { empty: true });
    const secondTime = { code: 1, stderr: /"signing_keys" does not exist/ };
    await t.rejects(rotate({ DATABASE_URL, AUTH_SECRET }), secondTime);
    await t.rejects(rotate({ DATABASE_URL, AUTH_SECRET }), secondTime, 'no migration was run');
  }
  t.same(readdirSync(DATA_DIR), []);
});

t.test('rotates the signing key and keeps accepting earlier tokens', async (t) => {
  const env = await home(t);
  const rotate = () =>
    promisify(execFile)(...nodeProgram(['dist/server/cli/rotate-keys.js']), {
      env: { PATH: process.env['PATH'], ...env },
    });
  const server = await startServer(t, { ...env, PUBLIC_URL: 'http://auth.test' });
  const { data } = await server.graphql(register('ada'));
  const authorization = `Bearer ${(data?.['register'] as { accessToken: string }).accessToken}`;
  if (!onRealPostgres) {
    await t.rejects(rotate(), /held by process/);
    await server.end('SIGTERM');
  }
  const { stdout } = await rotate();
  t.match(stdout, /^The signing key of the (embedded )?database .* is now [\w-]{43} \(EdDSA\)\.\n$/);
  t.match(stdout, onRealPostgres ? / on 127\.0\.0\.1:\d+ is / : env['DATA_DIR']);
  const next = await startServer(t, { ...env, PUBLIC_URL: 'http://auth.test' });
  t.equal((await next.graphql('{ me { id } }', { authorization })).errors, undefined);
  const { keys } = (await (await fetch(`${next.url}/.well-known/jwks.json`)).json()) as { keys: unknown[] };
  t.equal(keys.length, 2);
});
