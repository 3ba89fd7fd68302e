/** Parameters of OAuth requests: `application/x-www-form-urlencoded`, each at most once (RFC 6749 section 3.2). */
import type { FastifyInstance } from 'fastify';
import { OAuthError } from '../oauth/error.js';
import { MAY_REPEAT, type Parameters } from '../oauth/parameters.js';

/** @throws OAuthError invalid_request for a repeated parameter, or a NUL character, which the database refuses */
export function parseParameters(search: string): Parameters {
  const parameters = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(search)) {
    const former = parameters.get(name);
    if (former && !MAY_REPEAT.has(name)) throw new OAuthError('invalid_request', 'A parameter is repeated.');
    if (value.includes('\0')) throw new OAuthError('invalid_request', 'A parameter contains a NUL character.');
    if (former) former.push(value);
    else parameters.set(name, [value]);
  }
  const all = (name: string) => (parameters.get(name) ?? []).filter((value) => value !== '');
  return { all, get: (name) => all(name)[0] };
}

/** Lets the routes of `app` accept forms and nothing else. The body is the text of the form. */
export function acceptForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
}
