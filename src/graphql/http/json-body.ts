/** Bodies of GraphQL requests: JSON in UTF-8, not compressed, and nothing that a browser sends without asking first. */
import { isUtf8 } from 'node:buffer';
import { errorCodes, type FastifyInstance } from 'fastify';

/** Whether a Content-Type says JSON, in UTF-8 where it names a charset (RFC 8259, section 8.1). */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  const [essence = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  return (
    essence.trim() === 'application/json' &&
    parameters.every((parameter) => !/^\s*charset\s*=(?!\s*"?utf-?8"?\s*$)/.test(parameter))
  );
}

/**
 * Makes a scope refuse every body that is not JSON in UTF-8, or that has another encoding: QUERY_REJECTED with status 400,
 * as whatever else is wrong with a request. Form and text types, which a page of any origin can send, end here.
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
