/** Requests to an API that is embedded in an application. */
import type { FastifyInstance } from 'fastify';
import { REGISTER } from './seed.js';

let serial = 0;

/** Sends a document to an embedded API. */
export async function send(
  app: FastifyInstance,
  query: string,
  variables: object = {},
  token?: string,
  prefix = '/auth',
) {
  const response = await app.inject({
    method: 'POST',
    url: `${prefix}/graphql`,
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    payload: { query, variables },
  });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- asserting on it is the check
  return { ...response.json<{ data: any; errors?: any[] }>(), headers: response.headers };
}

export async function register(app: FastifyInstance, prefix?: string) {
  serial += 1;
  const input = { email: `u${serial}@mail.test`, username: `user${serial}`, password: 'a quiet brass telescope' };
  const { data } = await send(app, REGISTER, { input }, undefined, prefix);
  return data.register as { accessToken: string; user: { id: string } };
}
