/** Parameters of OAuth requests: `application/x-www-form-urlencoded`, each at most once (RFC 6749 section 3.2). */
import type { FastifyInstance } from 'fastify';
import { OAuthError } from '../oauth/error.js';

/** Parameters by name. A parameter without a value counts as omitted (RFC 6749 section 3.1). */
export type Parameters = ReadonlyMap<string, string>;

/** @throws OAuthError invalid_request for a repeated parameter, or a NUL character, which the database refuses */
export function parseParameters(search: string | URLSearchParams): Parameters {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(search)) {
    if (parameters.has(name)) throw new OAuthError('invalid_request', 'A parameter is repeated.');
    if (value.includes('\0')) throw new OAuthError('invalid_request', 'A parameter contains a NUL character.');
    parameters.set(name, value);
  }
  for (const [name, value] of parameters) if (value === '') parameters.delete(name);
  return parameters;
}

/** Lets the routes of `app` accept forms and nothing else. The body is the text of the form. */
export function acceptForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
}
