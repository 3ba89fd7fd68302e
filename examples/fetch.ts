/** GraphQL with nothing but fetch: a request that fails for an expired token is sent again once the token is renewed. */
import { createSession, type Session, type Tokens } from './session.js';

/** The first of the errors; `code` is one of docs/errors.md. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    /** Seconds after which to try again, if the server says so. */
    readonly retryAfter?: number,
    /** For SECOND_FACTOR_REQUIRED. */
    readonly secondStep?: SecondStep,
  ) {
    super(message);
  }
}

/** The second step of a login, which `loginWithSecondFactor` completes. */
export interface SecondStep {
  readonly challenge: string;
  readonly methods: readonly ('TOTP' | 'PASSKEY' | 'RECOVERY_CODE')[];
}

interface Extensions extends Partial<SecondStep> {
  readonly code: string;
  readonly retryAfter?: number;
}

interface Answer<Data> {
  readonly data?: Data;
  readonly errors?: readonly { readonly message: string; readonly extensions: Extensions }[];
}

/**
 * Sends one operation; `init` is for `credentials`.
 * @throws ApiError; anything else when no GraphQL server answered
 */
export async function post<Data>(
  url: string,
  body: { readonly query: string; readonly variables?: object },
  authorization?: string,
  init: RequestInit = {},
): Promise<Data> {
  const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
  const response = await fetch(url, { ...init, method: 'POST', headers, body: JSON.stringify(body) });
  const { data, errors } = (await response.json()) as Answer<Data>;
  if (errors?.[0]) {
    const { code, retryAfter, challenge, methods } = errors[0].extensions;
    const secondStep = challenge !== undefined && methods ? { challenge, methods } : undefined;
    throw new ApiError(errors[0].message, code, retryAfter, secondStep);
  }
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
