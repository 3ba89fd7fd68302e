/** Reads the client authentication of a request (RFC 6749 section 2.3.1, RFC 7521 section 4.2). */
import { InvalidClient, type ClientCredentials } from '../../oauth/clients/authenticate.js';
import { OAuthError } from '../../oauth/error.js';
import type { Parameters } from '../../oauth/parameters.js';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const BASIC = /^Basic +([\w+/-]+={0,2}) *$/i;

/**
 * The credentials in the header or the form; not both.
 * @param authorization the header
 * @throws OAuthError invalid_request for two methods at once; invalid_client for none, or a malformed one
 */
export function readClientCredentials(authorization: string | undefined, parameters: Parameters): ClientCredentials {
  const clientId = parameters.get('client_id');
  const secret = parameters.get('client_secret');
  const assertion = parameters.get('client_assertion');
  const assertionType = parameters.get('client_assertion_type');
  const methods = [authorization, secret, assertion ?? assertionType].filter((each) => each !== undefined);
  if (methods.length > 1) throw new OAuthError('invalid_request', 'The client authenticates with two methods at once.');

  if (authorization !== undefined) {
    const basic = readBasic(authorization);
    if (!basic || (clientId !== undefined && clientId !== basic.clientId)) throw new InvalidClient();
    return { method: 'client_secret', ...basic };
  }
  if (assertion !== undefined || assertionType !== undefined) {
    if (assertion === undefined || assertionType !== JWT_BEARER) throw new InvalidClient();
    return { method: 'private_key_jwt', clientId, assertion };
  }
  if (clientId === undefined) throw new InvalidClient();
  return secret === undefined ? { method: 'none', clientId } : { method: 'client_secret', clientId, secret };
}

/** Both parts are form-encoded before they are joined by a colon. */
function readBasic(authorization: string): { readonly clientId: string; readonly secret: string } | undefined {
  const encoded = BASIC.exec(authorization)?.[1];
  const decoded = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon === -1) return undefined;
  try {
    const [clientId, secret] = [decoded.slice(0, colon), decoded.slice(colon + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    );
    return { clientId: clientId!, secret: secret! };
  } catch {
    return undefined;
  }
}
