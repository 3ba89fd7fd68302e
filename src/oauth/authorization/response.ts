/** Authorization responses (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207). Pure functions. */
import type { OAuthError } from '../error.js';
import type { ResponseTarget } from './request.js';

/** The URL of a response with a code. @param issuer PUBLIC_URL */
export function codeResponse(target: ResponseTarget, issuer: string, code: string): string {
  return responseUrl(target, issuer, [['code', code]]);
}

/** The URL of a response with an error. */
export function errorResponse(target: ResponseTarget, issuer: string, { code, message }: OAuthError): string {
  return responseUrl(target, issuer, [
    ['error', code],
    ['error_description', message],
  ]);
}

/** Adds the parameters as text: a parsed and serialized URL would not be the registered one. The URI has no fragment. */
function responseUrl({ redirectUri, state }: ResponseTarget, issuer: string, parameters: [string, string][]): string {
  if (state !== undefined) parameters.push(['state', state]);
  parameters.push(['iss', issuer]);
  const query = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const hasQuery = redirectUri.includes('?');
  const separator = !hasQuery ? '?' : /[?&]$/.test(redirectUri) ? '' : '&';
  return `${redirectUri}${separator}${query}`;
}
