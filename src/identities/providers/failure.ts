/**
 * Bounds the work with a provider, and turns whatever it throws into an IdentityProviderError. Errors of openid-client carry claims,
 * tokens and answers, so only their constant messages are kept.
 */
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { GuardedFetchError } from '../../lib/guarded-fetch.js';
import { isJsonObject } from '../../lib/json.js';
import { IdentityProviderError } from '../provider.js';

/** Of RFC 6749, and of Apple. */
const DENIALS: ReadonlySet<string> = new Set(['access_denied', 'user_cancelled_authorize']);
/** Error codes that the log may repeat: those of RFC 6749, RFC 6750 and OpenID Connect Core, and those of GitHub. */
const KNOWN_CODES: ReadonlySet<string> = new Set([
  ...DENIALS,
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
  ...[
    'unsupported_response_type',
    'invalid_scope',
    'invalid_token',
    'insufficient_scope',
    'server_error',
    'temporarily_unavailable',
  ],
  ...['interaction_required', 'login_required', 'account_selection_required', 'consent_required'],
  ...['bad_verification_code', 'incorrect_client_credentials', 'redirect_uri_mismatch', 'unverified_user_email'],
]);
const MAX_CAUSES = 5;

/** A `failed`. @param message for the log; constant */
export function providerFailed(message: string): IdentityProviderError {
  return new IdentityProviderError('failed', message);
}

/**
 * Runs the work of one step of a flow.
 * @param timeoutMs deadline of the step, in milliseconds; each of its requests has one of its own
 * @throws IdentityProviderError only
 */
export async function runStep<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(providerFailed(`The provider took more than ${timeoutMs} ms.`)), timeoutMs);
  });
  try {
    return await Promise.race([work(), deadline]);
  } catch (error) {
    throw asProviderError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** The error, or one that says why. */
export function asProviderError(error: unknown): IdentityProviderError {
  if (error instanceof IdentityProviderError) return error;
  const request = causesOf(error).find((cause) => cause instanceof GuardedFetchError);
  if (request) return providerFailed(request.message);
  const code = errorCode(error);
  if (code !== undefined) {
    const isDenial = error instanceof AuthorizationResponseError && DENIALS.has(code);
    const shown = KNOWN_CODES.has(code) ? code : 'an error that is not registered';
    return new IdentityProviderError(isDenial ? 'denied' : 'failed', `The provider answered ${shown}.`);
  }
  if (error instanceof ClientError) return providerFailed(`The answer was refused: ${messageOf(error)}.`);
  if (error instanceof WWWAuthenticateChallengeError) return providerFailed(`The status is ${error.status}.`);
  return new IdentityProviderError('failed', 'The answer could not be processed.', { cause: error });
}

/** The `error` of an OAuth 2.0 answer. GitHub sends it with status 200, where openid-client expects tokens. */
function errorCode(error: unknown): string | undefined {
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) return error.error;
  if (error instanceof WWWAuthenticateChallengeError)
    return error.cause.map(({ parameters }) => parameters.error).find((code) => code !== undefined);
  for (const { cause } of causesOf(error)) {
    const body = isJsonObject(cause) ? cause['body'] : undefined;
    if (isJsonObject(body) && typeof body['error'] === 'string') return body['error'];
  }
  return undefined;
}

/** The more precise message of the underlying error, if that is one of the protocol. */
function messageOf({ message, cause }: ClientError): string {
  const isOfProtocol = cause instanceof Error && 'code' in cause && String(cause.code).startsWith('OAUTH_');
  return isOfProtocol ? cause.message : message;
}

function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < MAX_CAUSES; at = at.cause) causes.push(at);
  return causes;
}
