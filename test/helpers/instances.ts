/** Instances of one deployment, each a process, and what they are asked. */
import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../../src/lib/errors.js';
import type { TestScope } from './app.js';
import type { AnyData } from './client.js';
import { startServer, type ServerProcess } from './process.js';
import { PASSWORD, REGISTER } from './seed.js';

export interface Answer {
  readonly status: number;
  readonly data: AnyData | null | undefined;
  /** The first error's code; undefined where all is well. */
  readonly code: ErrorCode | undefined;
}

export interface Caller {
  readonly token?: string | undefined;
  /** The address that the request is told to come from. */
  readonly ip?: string;
}

/** What instances of a deployment have in common; requests may say where they come from. */
export const DEPLOYMENT = {
  NODE_ENV: 'test',
  AUTH_SECRET: 'a test secret of more than thirty-two bytes',
  PUBLIC_URL: 'http://auth.test',
  DATA_DIR: 'memory://',
  TRUST_PROXY: '127.0.0.1',
  RATE_LIMIT_AUTHENTICATED: '100000/1m',
  LOG_LEVEL: 'warn',
};

/** Starts an instance of a deployment. */
export const startInstance = (t: TestScope, env: Record<string, string>): Promise<ServerProcess> =>
  startServer(t, { ...DEPLOYMENT, ...env });

/** Sends a document. @throws where there is no answer in HTTP and JSON */
export async function ask(
  server: Pick<ServerProcess, 'url'>,
  query: string,
  variables: object = {},
  { token, ip }: Caller = {},
): Promise<Answer> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json',
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(ip === undefined ? {} : { 'x-forwarded-for': ip }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as { data?: AnyData | null; errors?: { extensions: { code: ErrorCode } }[] };
  return { status: response.status, data: body.data, code: body.errors?.[0]?.extensions.code };
}

export interface Account {
  readonly id: string;
  readonly username: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Names of an account that nobody else has. */
export function someone() {
  const username = `u${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  return { email: `${username}@mail.test`, username, password: PASSWORD };
}

/** Registers an account. @throws when it is refused */
export async function register(server: ServerProcess, input = someone()): Promise<Account> {
  const { data, code } = await ask(server, REGISTER, { input });
  if (!data) throw new Error(`Refused: ${code}`);
  const { accessToken, refreshToken, user } = data['register'];
  return { id: user.id, username: input.username, accessToken, refreshToken };
}

/** Callers that go on with their work, one after the other, until they are told to stop. */
export function startLoad(t: TestScope, callers: number, work: (caller: number) => Promise<unknown>) {
  let stopped = false;
  const all = Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (!stopped) await work(caller);
    }),
  );
  t.teardown(() => (stopped = true));
  // Told when it is stopped.
  all.catch(() => (stopped = true));
  return {
    /** Resolves when the last one has its answer; rejects with what one of them threw. */
    async stop(): Promise<void> {
      stopped = true;
      await all;
    },
  };
}

/** Asks until the answer is as wanted. @returns milliseconds that it took */
export async function until(isIt: () => Promise<boolean>): Promise<number> {
  const started = performance.now();
  while (!(await isIt())) await new Promise((resolve) => setTimeout(resolve, 20));
  return performance.now() - started;
}

/** The status of a probe; 0 where nobody answers. */
export const probe = (server: Pick<ServerProcess, 'url'>, path: '/readyz' | '/healthz' = '/readyz'): Promise<number> =>
  fetch(`${server.url}${path}`).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
