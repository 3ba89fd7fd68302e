/** Instances of one deployment, each a process, and requests to them. */
import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../../src/lib/errors.js';
import type { TestScope } from './app.js';
import type { AnyData } from './client.js';
import { startServer, type ServerProcess } from './process.js';
import { PASSWORD, REGISTER } from './seed.js';

export interface Answer {
  readonly status: number;
  readonly data: AnyData | null | undefined;
  /** The code of the first error; undefined without errors. */
  readonly code: ErrorCode | undefined;
  /** Of SECOND_FACTOR_REQUIRED. */
  readonly challenge?: string | undefined;
}

export interface Caller {
  readonly token?: string | undefined;
  /** The client address, sent as X-Forwarded-For. */
  readonly ip?: string;
}

/** Settings of all instances of a deployment. Requests may set X-Forwarded-For. */
export const DEPLOYMENT = {
  NODE_ENV: 'test',
  AUTH_SECRET: 'a test secret of more than thirty-two bytes',
  PUBLIC_URL: 'http://auth.test',
  TRUST_PROXY: '127.0.0.1',
  RATE_LIMIT_AUTHENTICATED: '100000/1m',
  LOG_LEVEL: 'warn',
};

/** Starts an instance of a deployment. */
export const startInstance = (t: TestScope, env: Record<string, string>): Promise<ServerProcess> =>
  startServer(t, { ...DEPLOYMENT, ...env });

interface Extensions {
  readonly code?: ErrorCode;
  readonly challenge?: string;
}

/** Sends a document. @throws Error without a JSON response */
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
  const body = (await response.json()) as { data?: AnyData | null; errors?: { extensions: Extensions }[] };
  const { code, challenge } = body.errors?.[0]?.extensions ?? {};
  return { status: response.status, data: body.data, code, challenge };
}

export interface Account {
  readonly id: string;
  readonly username: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Unique names for an account. */
export function someone() {
  const username = `u${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  return { email: `${username}@mail.test`, username, password: PASSWORD };
}

/** Registers an account. @throws Error if it is rejected */
export async function register(server: ServerProcess, input = someone()): Promise<Account> {
  const { data, code } = await ask(server, REGISTER, { input });
  if (!data) throw new Error(`Refused: ${code}`);
  const { accessToken, refreshToken, user } = data['register'];
  return { id: user.id, username: input.username, accessToken, refreshToken };
}

/** Callers that repeat their work until they are stopped. */
export function startLoad(t: TestScope, callers: number, work: (caller: number) => Promise<unknown>) {
  let stopped = false;
  const all = Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (!stopped) await work(caller);
    }),
  );
  t.teardown(() => (stopped = true));
  // `stop` reports the error.
  all.catch(() => (stopped = true));
  return {
    /** Resolves after the last response; rejects with the error of a caller. */
    async stop(): Promise<void> {
      stopped = true;
      await all;
    },
  };
}

/** Repeats a request until the condition holds. @returns the duration in milliseconds */
export async function until(isIt: () => Promise<boolean>): Promise<number> {
  const started = performance.now();
  while (!(await isIt())) await new Promise((resolve) => setTimeout(resolve, 20));
  return performance.now() - started;
}

/** The status of a probe; 0 without a response. */
export const probe = (server: Pick<ServerProcess, 'url'>, path: '/readyz' | '/healthz' = '/readyz'): Promise<number> =>
  fetch(`${server.url}${path}`).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
