/** A GraphQL client over `inject`, which runs the production plugins without a socket. */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import type { ErrorCode, ErrorDetails } from '../../src/lib/errors.js';

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: ErrorCode } & ErrorDetails;
}

export interface Answer<Data> {
  readonly status: number;
  readonly headers: LightMyRequestResponse['headers'];
  readonly data: Data | null | undefined;
  readonly errors: readonly GraphqlError[];
  /** The first error's code. */
  readonly code: ErrorCode | undefined;
}

export interface ClientOptions {
  /** An access token to send. */
  readonly token?: string | undefined;
  /** The client address. Default: a separate one for each client. */
  readonly ip?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests pick fields by document; asserting on them is the check
export type AnyData = Record<string, any>;

export interface TestClient {
  /** Sends a document and accepts `application/graphql-response+json`. */
  send<Data = AnyData>(query: string, variables?: object, options?: ClientOptions): Promise<Answer<Data>>;
  /** A client with other defaults and the same address. */
  with(options: ClientOptions): TestClient;
}

let clients = 0;

/** Creates a client with a separate address, so that tests do not share limits by address. */
export function testClient(app: FastifyInstance, defaults: ClientOptions = {}): TestClient {
  clients += 1;
  const ip = defaults.ip ?? `10.${(clients >> 16) & 255}.${(clients >> 8) & 255}.${clients & 255}`;
  return {
    async send<Data = AnyData>(
      query: string,
      variables: object = {},
      options: ClientOptions = {},
    ): Promise<Answer<Data>> {
      const token = 'token' in options ? options.token : defaults.token;
      const response = await app.inject({
        method: 'POST',
        url: '/graphql',
        remoteAddress: options.ip ?? ip,
        headers: {
          accept: 'application/graphql-response+json',
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...defaults.headers,
          ...options.headers,
        },
        payload: JSON.stringify({ query, variables }),
      });
      const body = response.json<{ data?: Data | null; errors?: GraphqlError[] }>();
      const errors = body.errors ?? [];
      return {
        status: response.statusCode,
        headers: response.headers,
        data: body.data,
        errors,
        code: errors[0]?.extensions.code,
      };
    },
    with: (options) => testClient(app, { ip, ...defaults, ...options }),
  };
}
