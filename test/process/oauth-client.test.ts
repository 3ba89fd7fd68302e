/** `npx latchkey oauth-client create`, as a process. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { migratedDataDir } from '../helpers/embedded-template.js';
import { nodeProgram } from '../helpers/child.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import type { TestScope } from '../helpers/app.js';
import { startServer } from '../helpers/process.js';

const AUTH_SECRET = 'n3Vq8sT1yZ6uB4wX9cK2mP7rL5dF0gHj';

/** Runs the command. @param args without `oauth-client` */
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  promisify(execFile)(...nodeProgram(['dist/server/cli/latchkey.js', 'oauth-client', ...args]), {
    env: { PATH: process.env['PATH'], AUTH_SECRET, ...env },
  });

/** The settings of a migrated database that no server has open. */
async function database(t: TestScope): Promise<Record<string, string>> {
  return onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : { DATA_DIR: await migratedDataDir(t) };
}

t.test('creates a client whose credentials the server accepts', async (t) => {
  const env = await database(t);
  const args = ['create', '--name', 'Importer', '--grant', 'client_credentials', '--scope', 'read:content', '--json'];
  const { stdout } = await run(args, env);
  const credentials = JSON.parse(stdout) as { client_id: string; client_secret: string };
  const server = await startServer(t, { ...env, AUTH_SECRET });
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...credentials });
  const answer = await fetch(`${server.url}/oauth/token`, { method: 'POST', body });
  t.match(await answer.json(), { token_type: 'Bearer', scope: 'read:content' });
  if (!onRealPostgres) await t.rejects(run(args, env), { code: 1, stderr: /held by process/ });
});

t.test('prints the identifier alone for a public client', async (t) => {
  const env = await database(t);
  const { stdout } = await run(
    ['create', '--name', 'App', '--type', 'public', '--redirect-uri', 'com.example.app:/callback'],
    env,
  );
  t.match(stdout, /^client_id: [\da-f-]{36}\n$/);
});

t.test('names every refused option, and creates nothing without a database', async (t) => {
  const env = await database(t);
  const insecure = ['create', '--name', '', '--redirect-uri', 'http://app.example.com/callback'];
  await t.rejects(run(insecure, env), { code: 1, stderr: /^name: .+\nredirectUris: .*must be https/ });
  await t.rejects(run(['create', '--name', 'A', '--type', 'secret'], env), {
    code: 1,
    stderr: /^--type: must be one of/m,
  });
  await t.rejects(run(['create', '--colour', 'red'], env), { code: 1, stderr: /--colour/ });
  await t.rejects(run(['remove'], env), { code: 1, stderr: /The command is: create/ });
  const nowhere = { DATA_DIR: t.testdir() };
  await t.rejects(run(['create', '--name', 'A'], nowhere), { code: 1, stderr: /there is no database in / });
});

t.test('lists the commands and the options', async (t) => {
  t.match((await run(['--help'])).stdout, /--redirect-uri URI/);
  const latchkey = (...args: string[]) =>
    promisify(execFile)(...nodeProgram(['dist/server/cli/latchkey.js', ...args]), {
      env: { PATH: process.env['PATH'] },
    });
  t.match((await latchkey('--help')).stdout, /oauth-client create/);
  await t.rejects(latchkey('unknown'), { code: 1, stderr: /^Usage: latchkey COMMAND/ });
});
