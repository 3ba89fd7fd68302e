/** examples/movies-service in a process, with a running Latchkey. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transform } from 'esbuild';
import t from 'tap';
import { createKey, createServiceAccountKey, REVOKE_KEY, ROTATE_KEY } from '../helpers/api-keys.js';
import { nodeProgram } from '../helpers/child.js';
import { inventedKey } from '../helpers/introspection.js';
import { startListeningApp } from '../helpers/listening-app.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { exchangeForm, postForm } from '../helpers/oauth-requests.js';
import { registerAdmin } from '../helpers/seed.js';

const FOLDER = 'examples/movies-service';
const app = await startListeningApp(t);
const resourceServer = await seedClient(app, { mayIntrospect: true });
const service = await startService({
  LATCHKEY_URL: app.url,
  CLIENT_ID: resourceServer.client.id,
  CLIENT_SECRET: resourceServer.secret,
});

/** A directory with the compiled example and its dependencies. */
async function install(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-movies-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const { code } = await transform(readFileSync(`${FOLDER}/movies.ts`, 'utf8'), { loader: 'ts', format: 'esm' });
  writeFileSync(join(directory, 'movies.mjs'), code);
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync(process.cwd(), join(directory, 'node_modules/latchkey'));
  symlinkSync(join(process.cwd(), 'node_modules/fastify'), join(directory, 'node_modules/fastify'));
  return directory;
}

/** Runs the example. */
async function startService(env: Record<string, string>) {
  const child = spawn(...nodeProgram(['movies.mjs']), {
    cwd: await install(),
    env: { PATH: process.env['PATH'], PORT: '0', TRUST_PROXY: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  t.teardown(() => child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const address = /^http:\/\/\S+$/m.exec(output)?.[0];
      if (address) resolve(address);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (status) => reject(new Error(`The service ended with ${status}: ${output}`)));
  });
  const end = async () => {
    child.kill('SIGTERM');
    return exit;
  };
  return { url, end };
}

async function movies(headers: Record<string, string> = {}) {
  const response = await fetch(`${service.url}/v1/content/movies`, { headers });
  const body = (await response.json()) as { movies?: unknown; errors?: { extensions: { code: string } }[] };
  return {
    status: response.status,
    code: body.errors?.[0]?.extensions.code,
    challenge: response.headers.get('www-authenticate'),
    movies: body.movies,
  };
}
const withKey = (key: string, from = '192.0.2.1') => movies({ 'x-api-key': key, 'x-forwarded-for': from });
const LIST = [
  { title: 'Metropolis', year: 1927 },
  { title: 'Nosferatu', year: 1922 },
];

/** The access token that a client got for these scopes. */
async function accessToken(scopes: string[]): Promise<string> {
  const seeded = await seedClient(app);
  const code = await issueCode(app, (await app.user()).id, seeded, { scopes });
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code));
  return body['access_token'] as string;
}

t.test('takes an access token of OAuth or of a session, with the scope read:content', async (t) => {
  const bearer = (token: string) => movies({ authorization: `Bearer ${token}` });
  t.match(await bearer(await accessToken(['read:content', 'read:profile'])), { status: 200, movies: LIST });
  t.match(await bearer((await app.user()).accessToken), { status: 200 });
  t.match(await bearer(await accessToken(['read:profile'])), {
    status: 403,
    code: 'INSUFFICIENT_PERMISSIONS',
    challenge: 'Bearer error="insufficient_scope", scope="read:content"',
  });
  t.match(await bearer('eyJ'), { status: 401, code: 'INVALID_TOKEN', challenge: /^Bearer error="invalid_token"/ });
});

t.test('takes an API key of a person or of a service account, with the scope read:content', async (t) => {
  const { client } = await app.user();
  const { key } = await createKey(client, { scopes: ['read:content'] });
  t.match(await withKey(key), { status: 200, movies: LIST });
  t.match(await movies({ authorization: `Bearer ${key}` }), { status: 200 });
  const admin = await registerAdmin(app);
  t.match(await withKey((await createServiceAccountKey(admin.client, ['read:content'])).key), { status: 200 });
  const other = await createKey(client, { scopes: ['read:profile'] });
  t.match(await withKey(other.key), { status: 403, code: 'INSUFFICIENT_PERMISSIONS' });
});

t.test('refuses keys that are malformed, unknown, revoked, rotated, expired or of another network', async (t) => {
  const { client } = await app.user();
  const input = { scopes: ['read:content'] };
  const revoked = await createKey(client, input);
  await client.send(REVOKE_KEY, { id: revoked.id });
  const rotated = await createKey(client, input);
  const { data } = await client.send(ROTATE_KEY, { id: rotated.id });
  const expired = await createKey(client, { ...input, expiresAt: new Date(app.clock.now() + 60_000).toISOString() });
  app.clock.advance(60_000);
  for (const key of ['sk_live_abc123', inventedKey(), revoked.key, rotated.key, expired.key])
    t.match(await withKey(key), { status: 401, code: 'INVALID_API_KEY', challenge: /^Bearer error="invalid_token"/ });
  t.match(await withKey(data!['rotateApiKey'].key as string), { status: 200 });
  const { key } = await createKey(client, { ...input, networks: ['192.0.2.0/24'] });
  t.match(await withKey(key, '198.51.100.1'), { status: 401, code: 'INVALID_API_KEY' });
  t.match(await withKey(key, '192.0.2.77'), { status: 200 });
});

t.test('refuses a request with both credentials, and one with none', async (t) => {
  const { client, accessToken: token } = await app.user();
  const { key } = await createKey(client);
  const both = await movies({ authorization: `Bearer ${token}`, 'x-api-key': key });
  t.match(both, { status: 401, code: 'INVALID_TOKEN' });
  t.match(await movies(), { status: 401, code: 'MISSING_TOKEN', challenge: 'Bearer' });
});

t.test('docs/verifying-tokens.md shows the service, whose package installs this version', async (t) => {
  const read = (file: string) => readFileSync(file, 'utf8');
  t.ok(read('docs/verifying-tokens.md').includes(`\`\`\`ts\n${read(`${FOLDER}/movies.ts`)}\`\`\`\n`));
  const [root, own] = ['package.json', `${FOLDER}/package.json`].map(
    (file) => JSON.parse(read(file)) as { version: string; dependencies: Record<string, string> },
  );
  const { version, dependencies } = root!;
  const expected = { fastify: dependencies['fastify'], latchkey: `file:../../latchkey-${version}.tgz` };
  t.same(own!.dependencies, expected);
});

t.test('ends at SIGTERM', async (t) => {
  t.same(await service.end(), [0, null]);
});
