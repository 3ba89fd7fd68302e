/** `POST /oauth/device_authorization` (RFC 8628 section 3.1). Clients authenticate as at the token endpoint. */
import type { FastifyInstance } from 'fastify';
import type { DeviceCodes } from '../../oauth/device/service.js';
import type { ReadClientRequest } from './client.js';

export interface DeviceAuthorizationOptions {
  readonly readClientRequest: ReadClientRequest;
  readonly deviceCodes: Pick<DeviceCodes, 'issue'>;
  /** The URL of the page for user codes. */
  readonly verificationUri: string;
}

export function deviceAuthorizationEndpoint(app: FastifyInstance, options: DeviceAuthorizationOptions): void {
  const { readClientRequest, deviceCodes, verificationUri } = options;

  app.post('/oauth/device_authorization', { config: { rateLimit: false } }, async (request, reply) => {
    const { client, parameters } = await readClientRequest(request);
    const { deviceCode, userCode, expiresIn, interval } = await deviceCodes.issue(client, parameters);
    return reply
      .header('cache-control', 'no-store')
      .header('pragma', 'no-cache')
      .send({
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: verificationUri,
        verification_uri_complete: `${verificationUri}?user_code=${userCode}`,
        expires_in: expiresIn,
        interval,
      });
  });
}
