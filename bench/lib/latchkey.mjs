// Latchkey as it runs in production, and accounts on it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startServer } from './process.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PASSWORD = 'a quiet brass telescope';
export const SECRET = 'only for benchmarks: forty bytes and then some';
/** Connections that every server may open. */
export const POOL_SIZE = 10;

const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
/** The arguments of node in `npm start`. */
const [NODE, ...START] = scripts.start.replace(/^exec /, '').split(' ');
if (NODE !== 'node') throw new Error(`npm start is not a call of node alone: ${scripts.start}`);
/** The flags of node among them, for servers with the same stack. */
export const START_FLAGS = START.filter((argument) => argument.startsWith('--'));

/** Limits are counted as usual, but too high to be reached. */
const LIMITS = {
  RATE_LIMIT_ANONYMOUS: '100000000/1m',
  RATE_LIMIT_AUTHENTICATED: '100000000/1m',
  RATE_LIMIT_LOGIN: '1000000/15m',
  MAX_WEBSOCKETS_PER_ADDRESS: '1000000',
  RATE_LIMIT_FIELDS: 'register=100000000/1m,login=100000000/1m,updateMe=100000000/1m',
};

/** The settings of Latchkey, and of servers that use its token check. */
export function environment(url, databaseUrl, more = {}) {
  return {
    NODE_ENV: 'production',
    // There is no load balancer to wait for.
    SHUTDOWN_DELAY: '0s',
    PUBLIC_URL: url,
    AUTH_SECRET: SECRET,
    DATABASE_POOL_SIZE: String(POOL_SIZE),
    ACCESS_TOKEN_TTL: '24h',
    ...LIMITS,
    ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
    ...more,
  };
}

/** Starts the built server as `npm start` does. @param databaseUrl left out: embedded, in `workDir` */
export function startLatchkey({ name = 'latchkey', workDir, databaseUrl, env = {} }) {
  const dataDir = `${workDir}/${name.replace(/\W+/g, '-')}-data`;
  return startServer({
    name,
    args: START,
    cwd: ROOT,
    workDir,
    env: (url) => environment(url, databaseUrl, { DATA_DIR: dataDir, ...env }),
    answers: async (url) => (await graphql(url, '{ __typename }')).data?.__typename === 'Query',
  });
}

/** Sends a document and returns the response. */
export async function graphql(url, query, { token, variables } = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) {
  accessToken refreshToken user { id email username } } }`;
const SEEDED_AT_A_TIME = 8;

/** Registers accounts through the API. @param name the beginning of their names */
export async function registerAccounts(url, count, name = 'member') {
  const accounts = [];
  while (accounts.length < count) {
    const batch = Array.from({ length: Math.min(SEEDED_AT_A_TIME, count - accounts.length) }, (_, offset) => {
      const username = `${name}${accounts.length + offset}`;
      const input = { email: `${username}@example.test`, username, password: PASSWORD };
      return graphql(url, REGISTER, { variables: { input } });
    });
    for (const { data, errors } of await Promise.all(batch)) {
      if (errors) throw new Error(`An account was refused: ${JSON.stringify(errors)}`);
      accounts.push(data.register);
    }
  }
  return accounts;
}

/** Texts that a complete response for an account contains. */
export const ownEmail = ({ email }) => `"email":"${email}"`;

/** The measured query, for each account. */
export function meRequests(accounts) {
  return accounts.map(({ accessToken, user }) => ({
    expect: ownEmail(user),
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ query: '{ me { id email username } }' }),
  }));
}

/** @throws Error unless `me` answers an account with its own data, and a stranger with none */
export async function assertMe({ name, url }, { accessToken, user }) {
  const { data } = await graphql(url, '{ me { id email username } }', { token: accessToken });
  const stranger = await graphql(url, '{ me { id email username } }');
  const right = JSON.stringify(data?.me) === JSON.stringify(user) && !stranger.data && stranger.errors?.length === 1;
  if (!right) throw new Error(`${name} answers wrongly: ${JSON.stringify([data, stranger])}`);
}
