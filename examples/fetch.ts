/** GraphQL with nothing but fetch: what fails for an expired token is sent again once the token is renewed. */
import { createSession, type Session, type Tokens } from './session.js';

/** The first of the errors; `code` is one of the README's table. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

interface Answer<Data> {
  readonly data?: Data;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

/** Sends one operation; `init` is for `credentials`. */
export async function post<Data>(
  url: string,
  body: { readonly query: string; readonly variables?: object },
  authorization?: string,
  init: RequestInit = {},
): Promise<Data> {
  const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
  const response = await fetch(url, { ...init, method: 'POST', headers, body: JSON.stringify(body) });
  const { data, errors } = (await response.json()) as Answer<Data>;
  if (errors?.[0]) throw new ApiError(errors[0].message, errors[0].extensions.code);
  return data as Data;
}

export const REFRESH = `mutation Refresh($refreshToken: String) {
  refresh(refreshToken: $refreshToken) { accessToken refreshToken }
}`;

/** A session whose refresh token is kept in memory, as native apps and servers do. */
export function createTokenSession(url: string): Session {
  return createSession(async (refreshToken) => {
    const { refresh } = await post<{ refresh: Tokens }>(url, { query: REFRESH, variables: { refreshToken } });
    return refresh;
  });
}

/** Requests of a session. */
export function createRequest(url: string, session: Session, init?: RequestInit) {
  return async <Data>(query: string, variables: object = {}): Promise<Data> => {
    const authorization = session.authorization();
    const send = () => post<Data>(url, { query, variables }, session.authorization(), init);
    return send().catch(async (error: unknown) => {
      if (!(error instanceof ApiError) || error.code !== 'TOKEN_EXPIRED') throw error;
      await session.renew(authorization);
      return send();
    });
  };
}
