/** Resource indicators (RFC 8707 section 2): the resource servers that a token is for. Pure functions. */
import { OAuthError } from './error.js';
import type { Parameters } from './parameters.js';

const MAX_RESOURCES = 10;
const MAX_LENGTH = 2048;
const CONTROL = /[\u0000-\u001f\u007f\ufffd]/;

/**
 * The distinct values of the parameter `resource`. The issuer is this deployment, with or without a trailing slash: URL parsers add
 * one to a URL without a path.
 * @param issuer PUBLIC_URL
 * @throws OAuthError invalid_target
 */
export function readResources(parameters: Pick<Parameters, 'all'>, issuer: string): string[] {
  const values = parameters.all('resource');
  const resources = new Set(values.map((value) => (withoutSlash(value) === withoutSlash(issuer) ? issuer : value)));
  if (resources.size > MAX_RESOURCES) throw new OAuthError('invalid_target', 'There are too many resources.');
  if (![...resources].every(isResource))
    throw new OAuthError('invalid_target', 'A resource must be an absolute URI without a fragment.');
  return [...resources];
}

/**
 * The audience of an access token: the requested ones of the granted resources, or all (RFC 8707 section 2.2). Empty for this
 * deployment.
 * @throws OAuthError invalid_target for a resource that was not granted
 */
export function audienceOf(
  parameters: Pick<Parameters, 'all'>,
  granted: readonly string[],
  issuer: string,
): readonly string[] {
  const requested = readResources(parameters, issuer);
  if (requested.length === 0) return granted;
  const isOfIssuer = granted.length === 0;
  if (!requested.every((each) => (isOfIssuer ? each === issuer : granted.includes(each))))
    throw new OAuthError('invalid_target', 'The resource was not granted.');
  return isOfIssuer ? [] : requested;
}

function isResource(resource: string): boolean {
  const isText = resource.length <= MAX_LENGTH && !CONTROL.test(resource);
  return isText && URL.canParse(resource) && !resource.includes('#');
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}
