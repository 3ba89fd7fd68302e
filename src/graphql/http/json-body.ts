/** Accepts only JSON bodies in UTF-8 without compression, which browsers send cross-origin only after a preflight. */
import { isUtf8 } from 'node:buffer';
import { errorCodes, type FastifyInstance } from 'fastify';

/** Whether a Content-Type is JSON, and UTF-8 if it has a charset (RFC 8259 section 8.1). */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  const [essence = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  return (
    essence.trim() === 'application/json' &&
    parameters.every((parameter) => !/^\s*charset\s*=(?!\s*"?utf-?8"?\s*$)/.test(parameter))
  );
}

/**
 * Makes a Fastify scope refuse every other body with QUERY_REJECTED and status 400, including form and text types, which a page
 * of any origin can send.
 */
export function acceptOnlyJson(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const { 'content-type': type, 'content-encoding': encoding = 'identity' } = request.headers;
    if (!isJson(type) || encoding !== 'identity') return done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE());
    if (!isUtf8(body)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY());
    return parse(request, body.toString('utf8'), done);
  });
}
