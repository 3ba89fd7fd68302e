/** The package, installed in an empty project, runs every program of the documentation about it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import t from 'tap';
import { WebSocket } from 'ws';
import { installedProject, programsOf } from '../helpers/packed.js';
import { freePort } from '../helpers/services.js';

const read = (file: string) => readFileSync(file, 'utf8');
const ports = { latchkey: await freePort(), other: await freePort() };
const AUTH = `http://127.0.0.1:${ports.latchkey}`;
const OTHER = `http://127.0.0.1:${ports.other}`;
const programs = [
  ...programsOf(read('README.md'), 'readme'),
  ...programsOf(read('docs/embedding.md'), 'embedding'),
  ...programsOf(read('docs/verifying-tokens.md'), 'verifying'),
];
const project = await installedProject(t);
for (const program of programs) await project.write(program, ports);

let accounts = 0;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- asserting on it is the check
type Answer = { data: Record<string, any>; errors?: { extensions: { code: string } }[] };

async function graphql(query: string, token?: string): Promise<Answer> {
  const response = await fetch(`${AUTH}/auth/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Answer;
}

async function register(): Promise<string> {
  accounts += 1;
  const { data } = await graphql(`mutation { register(input: {
    email: "u${accounts}@mail.test", username: "user${accounts}", password: "a quiet brass telescope"
  }) { accessToken } }`);
  return data['register'].accessToken as string;
}

async function get(url: string, token?: string) {
  const response = await fetch(url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  return { status: response.status, body: await response.text() };
}

t.test('every program of the documentation is known to this test', async (t) => {
  t.same(
    programs.map(({ name }) => name),
    ['readme-0', 'readme-1', 'server', 'fields', 'plain', 'fastify', 'express', 'movies'],
  );
});

t.test('the programs have no type errors under module nodenext', async (t) => {
  t.equal(await project.typeErrors(), '');
});

const manifest = JSON.parse(read(join(project.directory, 'node_modules/latchkey/package.json'))) as {
  exports: Record<string, unknown>;
  scripts: Record<string, string>;
};

t.test('the package exports the schema, and nothing but its entry points', async (t) => {
  t.same(Object.keys(manifest.exports), ['.', './verify', './schema.graphql', './package.json']);
  t.match(read(join(project.directory, 'node_modules/latchkey/schema.graphql')), 'type Query');
});

t.test('the package has no script that npm would run, or warn of, when it is installed', async (t) => {
  const scripts = Object.keys(manifest.scripts);
  t.same(
    scripts.filter((name) => /^(pre|post)?(install|prepare)$/.test(name)),
    [],
  );
});

t.test('embeds it, and verifies its tokens in other services', async (t) => {
  const server = await project.start('server');
  const token = await register();
  t.same(await get(`${AUTH}/movies`, token), { status: 200, body: '["Metropolis"]' });
  t.match(await get(`${AUTH}/movies`), { status: 401, body: 'MISSING_TOKEN' });
  t.match(await get(`${AUTH}/me`, token), { status: 200, body: /^\{"id":"[\da-f-]{36}","scopes":/ });
  t.match(await get(`${AUTH}/auth/graphiql`), { status: 200, body: '<html' });
  for (const name of ['fastify', 'express', 'readme-1']) {
    const other = await project.start(name);
    t.equal((await get(`${OTHER}/movies`, token)).status, 200, name);
    t.match(await get(`${OTHER}/movies`), { status: 401, body: 'MISSING_TOKEN' }, name);
    await other.stop();
  }
  const movies = await project.start('movies', { CLIENT_ID: 'unknown', CLIENT_SECRET: 'unknown' });
  t.match(await get(`${OTHER}/v1/content/movies`, token), { status: 200, body: 'Nosferatu' });
  t.match(await get(`${OTHER}/v1/content/movies`, 'sk_live_abc123'), { status: 401, body: 'INVALID_API_KEY' });
  await movies.stop();
  await server.stop();
});

t.test('embeds it with fields of the application', async (t) => {
  const server = await project.start('fields');
  const token = await register();
  t.same((await graphql('{ movies { title } }')).data, { movies: [{ title: 'Metropolis' }] });
  t.same((await graphql('{ me { greeting } movie(id: 1) { title } }', token)).data, {
    me: { greeting: `Hello user${accounts}` },
    movie: { title: 'Metropolis' },
  });
  const login = `mutation { login(input: { identifier: "user${accounts}", password: "a quiet brass telescope" }) {
    user { greeting }
  } }`;
  t.same(await graphql(login), { data: { login: { user: { greeting: `Hello user${accounts}` } } } });
  const refused = [await graphql('{ movie(id: 1) { id } }'), await graphql('{ movie(id: 9) { id } }', token)];
  t.same(
    refused.map(({ errors }) => errors?.[0]?.extensions.code),
    ['MISSING_TOKEN', 'NOT_FOUND'],
  );
  const socket = createClient({
    url: `${AUTH.replace('http', 'ws')}/auth/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
  });
  const events: unknown[] = [];
  for await (const event of socket.iterate({ query: 'subscription { movieAdded { title } }' })) events.push(event);
  t.same(events, [{ data: { movieAdded: { title: 'Nosferatu' } } }]);
  await server.stop();
});

for (const name of ['plain', 'readme-0']) {
  t.test(`runs ${name}`, async (t) => {
    const server = await project.start(name);
    const token = await register();
    t.match((await graphql('{ me { username } }', token)).data, { me: { username: `user${accounts}` } });
    t.match(await get(`${AUTH}/${name === 'plain' ? '' : 'movies'}`, token), { status: 200, body: /Hello|Metropolis/ });
    await server.stop();
  });
}
