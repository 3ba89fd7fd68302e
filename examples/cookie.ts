/**
 * For pages: the refresh token is in an HttpOnly cookie, out of reach for scripts, and the access token in memory. After a
 * reload `resume` continues the session. The page's origin must be PUBLIC_URL or one of CORS_ORIGINS.
 */
import { createRequest, post } from './fetch.js';
import { createSession, type Tokens } from './session.js';

const WITH_COOKIE: RequestInit = { credentials: 'include' };
const LOGIN = `mutation Login($identifier: String!, $password: String!) {
  login(input: { identifier: $identifier, password: $password, transport: COOKIE }) { accessToken refreshToken }
}`;
/** Without an argument it takes the cookie's token, and sets the next one. */
const REFRESH = 'mutation Refresh { refresh { accessToken refreshToken } }';

export function createCookieClient(url: string) {
  const session = createSession(async () => {
    const { refresh } = await post<{ refresh: Tokens }>(url, { query: REFRESH }, undefined, WITH_COOKIE);
    return refresh;
  });
  const request = createRequest(url, session, WITH_COOKIE);
  return {
    session,
    request,
    async login(identifier: string, password: string): Promise<void> {
      const variables = { identifier, password };
      const { login } = await post<{ login: Tokens }>(url, { query: LOGIN, variables }, undefined, WITH_COOKIE);
      session.set(login);
    },
    /** Rejects with INVALID_REFRESH_TOKEN when nobody is logged in. */
    resume: () => session.renew(undefined),
    async logout(): Promise<void> {
      await request('mutation Logout { logout }');
      session.set(undefined);
    },
  };
}
