/** Requests to the OAuth endpoints, as a client's server sends them. */
import type { LightMyRequestResponse } from 'fastify';
import type { AnyData } from './client.js';
import { REDIRECT_URI, type SeededClient } from './oauth.js';
import type { TestApp } from './app.js';

export interface OAuthAnswer {
  readonly status: number;
  readonly headers: LightMyRequestResponse['headers'];
  readonly body: AnyData;
}

let senders = 0;

/** A separate address for each request, so that tests do not share limits by address. */
function nextAddress(): string {
  senders += 1;
  return `172.${16 + ((senders >> 16) & 15)}.${(senders >> 8) & 255}.${senders & 255}`;
}

/** Posts a form. @param form name and value pairs, or the text of the body */
export async function postForm(
  { server }: Pick<TestApp, 'server'>,
  path: string,
  form: Readonly<Record<string, string>> | string,
  headers: Readonly<Record<string, string>> = {},
  remoteAddress = nextAddress(),
): Promise<OAuthAnswer> {
  const response = await server.inject({
    method: 'POST',
    url: path,
    remoteAddress,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  });
  const body = response.body === '' ? {} : (JSON.parse(response.body) as AnyData);
  return { status: response.statusCode, headers: response.headers, body };
}

/** The form parameters of `client_secret_post`. */
export const withSecret = ({ client, secret }: SeededClient) => ({ client_id: client.id, client_secret: secret });

/** The header of `client_secret_basic`. */
export const basic = (clientId: string, secret: string) => ({
  authorization: `Basic ${Buffer.from([clientId, secret].map(encodeURIComponent).join(':')).toString('base64')}`,
});

/** The form of a code exchange. */
export const exchangeForm = (seeded: SeededClient, code: string, more: Readonly<Record<string, string>> = {}) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: REDIRECT_URI,
  ...withSecret(seeded),
  ...more,
});

/** The form of a refresh. */
export const refreshForm = (seeded: SeededClient, token: string, more: Readonly<Record<string, string>> = {}) => ({
  grant_type: 'refresh_token',
  refresh_token: token,
  ...withSecret(seeded),
  ...more,
});

/** The unverified claims of a JWT. */
export function claimsOf(token: string): AnyData {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as AnyData;
}
