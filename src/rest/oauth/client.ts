/** Authenticates the client of a request, and counts the request for it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { clientOf } from '../../fastify/client.js';
import { InvalidClient, type AuthenticateClient } from '../../oauth/clients/authenticate.js';
import type { OAuthClient } from '../../oauth/clients/client.js';
import type { RecordClientFailure } from '../../oauth/clients/failures.js';
import { OAuthError } from '../../oauth/error.js';
import type { Parameters } from '../../oauth/parameters.js';
import { parseParameters } from '../form.js';
import { readClientCredentials } from './client-credentials.js';

/** A form of an authenticated client. */
export interface ClientRequest {
  readonly client: OAuthClient;
  readonly parameters: Parameters;
}

/** @throws OAuthError invalid_request, invalid_client; AppError RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE */
export type ReadClientRequest = (request: FastifyRequest) => Promise<ClientRequest>;

export interface ClientRequestsOptions {
  readonly app: FastifyInstance;
  readonly authenticateClient: AuthenticateClient;
  readonly recordClientFailure: RecordClientFailure;
  /** Counts failed client authentication, for metrics. @param endpoint the path */
  countClientFailure(endpoint: string): void;
  /** The grant of an authentic refresh token. */
  grantIdOf(refreshToken: string): string | undefined;
}

/** The routes must have `config.rateLimit: false`, because this counts their requests. */
export function createClientRequests(options: ClientRequestsOptions): ReadClientRequest {
  const { app, authenticateClient, recordClientFailure, countClientFailure, grantIdOf } = options;

  return async (request) => {
    let read: ClientRequest;
    try {
      const parameters = parseParameters(typeof request.body === 'string' ? request.body : '');
      const credentials = readClientCredentials(request.headers.authorization, parameters);
      read = { parameters, client: await authenticateClient(credentials) };
    } catch (error) {
      if (error instanceof InvalidClient) countClientFailure(request.routeOptions.url ?? 'none');
      // Counts by address: the client is not authenticated yet.
      if (error instanceof OAuthError) await app.chargeRequest(request, 1);
      if (error instanceof InvalidClient) await recordClientFailure(error.clientId, clientOf(request));
      throw error;
    }
    const grantId = grantIdOf(read.parameters.get('refresh_token') ?? '');
    // Anybody can name a public client, so its requests count by address, or by the grant whose token they present.
    if (read.client.type === 'CONFIDENTIAL') request.rateLimitPrincipal = `client:${read.client.id}`;
    else if (grantId !== undefined) request.rateLimitPrincipal = `session:${grantId}`;
    await app.chargeRequest(request, 1);
    return read;
  };
}
