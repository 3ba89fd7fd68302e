/** Rules on imports between folders, checked against the imports of the source. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import ts from 'typescript';

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.c?ts$/.test(path))
  .sort();
const textOf = (file: string) => readFileSync(join('src', file), 'utf8');
const importsOf = (file: string) => ts.preProcessFile(textOf(file)).importedFiles.map(({ fileName }) => fileName);
const resolved = (file: string, name: string) => normalize(join(dirname(file), name)).replace(/\.js$/, '.ts');
const packages = (file: string) => importsOf(file).filter((name) => !name.startsWith('.'));
const locals = (file: string) =>
  importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => resolved(file, name));

/** From the top down: a file imports from its own floor or from one below. */
const FLOORS: readonly RegExp[] = [
  /^server\//,
  /^(index|plugin)\.ts$/,
  /^api\//,
  /^latchkey\.ts$|^jobs\//,
  /^(graphql|pages|rest|fastify)\//,
  /^authn\//,
  new RegExp(
    '^(users|passwords|sessions|email-verification|email-codes|identifier-changes|known-devices|admin|audit|notifications' +
      '|mfa|identities|oauth|api-keys|service-accounts|one-time-tokens|rate-limits|signing-keys|events|mail)/(?!([\\w-]+/)*([\\w-]+-)?repository\\.)',
  ),
  /\/([\w-]+-)?repository\.ts$/,
  /^(db|redis)\//,
  /^config\//,
  /^(authz|crypto|lib)\//,
  // Runs in other services, so it imports nothing of the rest.
  /^verify\//,
];
const floorOf = (file: string) => FLOORS.findIndex((pattern) => pattern.test(file));
/** Whether TypeScript erases every import of one file by another. */
const isTypeOnly = (file: string, imported: string) => {
  const statements = [...textOf(file).matchAll(/^(?:import|export) (type )?[^;]*?'([^']+)';$/gm)];
  const found = statements.filter(([, , name]) => name === imported || resolved(file, name!) === imported);
  return found.length > 0 && found.every(([, type]) => type !== undefined);
};

t.test('places every module on a floor', async (t) => {
  t.same(
    files.filter((file) => floorOf(file) === -1),
    [],
  );
});

t.test('allows imports only from the same or a lower floor', async (t) => {
  const upwards = files.flatMap((file) =>
    locals(file)
      .filter((imported) => floorOf(imported) < floorOf(file) && !isTypeOnly(file, imported))
      .map((imported) => `${file} -> ${imported}`),
  );
  t.same(upwards, []);
});

t.test('has no circular imports', async (t) => {
  const graph = new Map(files.map((file) => [file, locals(file).filter((imported) => !isTypeOnly(file, imported))]));
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    }
  };
  for (const file of files) visit(file, []);
  t.same(circles, []);
});

const only = (what: string, isIt: (name: string) => boolean, allowed: RegExp) =>
  t.test(`only ${allowed.source} imports ${what}`, async (t) => {
    const users = files.filter((file) => packages(file).some(isIt));
    t.same(
      users.filter((file) => !allowed.test(file)),
      [],
    );
    t.ok(users.length > 0, 'somebody does');
  });
only('graphql and mercurius', (name) => /^(graphql|graphql-ws|mercurius)(\/|$)/.test(name), /^graphql\//);
only('drizzle-orm', (name) => name.startsWith('drizzle-orm'), /(^|[-\/])repository\.ts$|^db\//);
only('the drivers', (name) => /^(postgres|@electric-sql\/pglite)$/.test(name), /^db\//);
only('ioredis', (name) => name === 'ioredis', /^redis\//);
only('argon2', (name) => name === 'argon2', /^crypto\//);
only('@simplewebauthn/server', (name) => name.startsWith('@simplewebauthn/'), /^mfa\/passkeys\//);
only('openid-client', (name) => name === 'openid-client', /^identities\/providers\//);
only('nodemailer', (name) => name === 'nodemailer', /^mail\//);
only(
  'Fastify',
  (name) => /^(fastify|fastify-plugin|@fastify\/.*)$/.test(name),
  /^(server|api|fastify|pages|rest|graphql)\/|^plugin\.ts$|^signing-keys\/jwt-key\.ts$|^verify\/middleware\.ts$/,
);

t.test('verify/ imports nothing of the rest, and no package but jose at run time', async (t) => {
  const own = files.filter((file) => file.startsWith('verify/'));
  t.same(
    own.flatMap((file) => locals(file)).filter((imported) => !imported.startsWith('verify/')),
    [],
  );
  const atRunTime = own.flatMap((file) => packages(file).filter((name) => !isTypeOnly(file, name)));
  t.same(
    [...new Set(atRunTime)].filter((name) => !name.startsWith('node:')),
    ['jose'],
  );
});

t.test('reads the environment in one place', async (t) => {
  t.same(
    files.filter((file) => textOf(file).includes('process.env')),
    ['config/config.ts', 'server/start.cts'],
  );
});

t.test('keeps files under 250 lines, each with a doc comment', async (t) => {
  const written = files.filter((file) => file !== 'graphql/generated.ts');
  t.same(
    written.filter((file) => textOf(file).split('\n').length > 250),
    [],
  );
  t.same(
    written.filter(
      (file) =>
        !textOf(file)
          .replace(/^#!.*\n/, '')
          .startsWith('/**'),
    ),
    [],
  );
  t.ok(written.every((file) => existsSync(join('src', file))));
});
