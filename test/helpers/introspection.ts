/** An introspection endpoint whose answers a test decides, and verifiers that ask it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApiKeyFormat } from '../../src/api-keys/format.js';
import { createVerifier, type IntrospectionOptions, type Verifier } from '../../src/verify/index.js';
import type { TestScope } from './app.js';
import { ISSUER } from './verifier.js';

export const CLIENT = { clientId: 'service', clientSecret: 'a secret: 100%' };
export const INACTIVE = { active: false };
/** The response about an active key. */
export const ACTIVE = {
  active: true,
  sub: 'u',
  scope: 'read:content',
  token_type: 'api_key',
  iss: ISSUER,
  aud: ISSUER,
};

const format = createApiKeyFormat('sk_live_');
/** A well-formed key that nobody made. */
export const inventedKey = (): string => format.generate().key;

export interface ReceivedRequest {
  readonly form: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

export interface Endpoint {
  readonly url: string;
  readonly received: ReceivedRequest[];
  /** Answers each request. Default: every key is active. */
  respond: (request: ReceivedRequest, response: ServerResponse, raw: IncomingMessage) => void;
  /** What its verifiers have logged. */
  readonly warnings: string[];
  verifier(options?: Partial<IntrospectionOptions>, timeout?: number): Verifier;
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export async function startEndpoint(t: TestScope): Promise<Endpoint> {
  const server = createServer((raw, response) => {
    let body = '';
    raw.on('data', (chunk: Buffer) => (body += chunk.toString()));
    raw.on('end', () => {
      const { authorization } = raw.headers;
      const request = { form: Object.fromEntries(new URLSearchParams(body)), authorization };
      endpoint.received.push(request);
      endpoint.respond(request, response, raw);
    });
  }).listen(0, '127.0.0.1');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const warnings: string[] = [];
  const endpoint: Endpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`,
    received: [],
    respond: (_request, response) => sendJson(response, ACTIVE),
    warnings,
    verifier: (options, timeout = 60_000) =>
      createVerifier({
        issuer: ISSUER,
        jwksUri: 'http://127.0.0.1:1/jwks.json',
        timeout,
        introspection: { ...CLIENT, endpoint: endpoint.url, ...options },
        log: { warn: (_fields, message) => void warnings.push(message) },
      }),
  };
  return endpoint;
}
