/** The GraphQL route on the production HTTP server, with a small schema whose resolvers a test can replace. */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { buildSchema, type GraphQLSchema } from 'graphql';
import type { GraphqlContext } from '../../src/graphql/context.js';
import { AppError, serviceUnavailable } from '../../src/lib/errors.js';
import { createSocketSessions, type SocketSessionsOptions } from '../../src/graphql/ws/socket-sessions.js';
import { createSockets, type SocketsOptions } from '../../src/graphql/ws/sockets.js';
import { createAuthenticator } from '../../src/authn/authenticate.js';
import type { Strategy } from '../../src/authn/strategy.js';
import { testClock } from './clock.js';
import { userPrincipal } from './principal.js';
import { graphqlPlugin } from '../../src/graphql/plugin.js';
import { webSocketUpgrades } from '../../src/fastify/upgrades.js';
import { startTestServer, type TestServer } from './server.js';

const SDL = `
  enum Colour { RED GREEN }
  input Inner { colour: Colour, tags: [Int!] }
  input LoginInput { identifier: String!, password: String!, inner: Inner }
  type Node { id: ID!, name: String, self: Node!, many(first: Int! = 1): [Node!]!, broken: String, required: String! }
  type Query {
    node: Node!
    echo(text: String): String
    login: String
    failing: String
    failingRequired: String!
  }
  type Mutation {
    login(input: LoginInput!): String
    register(input: LoginInput!): String
    refresh(token: String): String
    logout: Boolean
  }
  type Subscription { ticks: Int, greet(name: String!): Node! }
`;

type Resolvers = Readonly<Record<string, (args: never, context: unknown) => unknown>>;

/** Creates the schema. `resolvers` overrides resolvers of root fields. */
export function testSchema(resolvers: Resolvers = {}): GraphQLSchema {
  const schema = buildSchema(SDL);
  const node: Record<string, unknown> = { id: '1', name: 'node', required: 'yes' };
  node['self'] = node;
  node['many'] = [node];
  const root: Resolvers = {
    node: () => node,
    echo: ({ text }: { text?: string }) => text ?? 'nothing',
    login: () => 'in',
    register: () => 'in',
    refresh: () => 'in',
    logout: () => true,
    ...resolvers,
  };
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const resolve = root[field.name];
      if (resolve) field.resolve = (_source, args, context) => resolve(args as never, context);
    }
  }
  return schema;
}

type Subscribe = (args: never) => AsyncIterable<unknown>;

export interface GraphqlServer extends TestServer {
  readonly app: FastifyInstance;
  /** The number of executed operations. */
  executed(): number;
  /** Sends a JSON body by POST; by default accepts `application/graphql-response+json`. */
  post(body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** Sends parameters by GET; by default with a header that requires a preflight request. */
  get(params: Record<string, string>, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
}

export interface GraphqlServerOptions {
  readonly env?: Record<string, string>;
  readonly resolvers?: Resolvers;
  readonly introspection?: boolean;
  readonly suggestions?: boolean;
  /** Sources of the subscriptions `ticks` and `greet`. */
  readonly streams?: Readonly<Record<string, Subscribe>>;
  /** Limits and ping interval of the sockets. */
  readonly sockets?: Partial<SocketsOptions>;
  /** Charges a subscribe message, which waits for it. Default: charges nothing. */
  readonly charge?: (userId: string, requests: number) => Promise<void>;
  /** Receives the number of additional requests that a document counts as. */
  readonly chargeDocument?: (requests: number) => Promise<void>;
  /** Registers plugins before the route. */
  before?(app: FastifyInstance): unknown;
}

/** Events without any message. */
const SILENCE: SocketSessionsOptions['events'] = {
  listen: () => () => undefined,
  connected: () => true,
  onConnection: () => () => undefined,
};

/** Accepts the token `good`. Each other token fails in its own way. */
const knownTokens: Strategy['authenticate'] = async (authorization) => {
  switch (authorization) {
    case 'good':
      return userPrincipal();
    case 'expired':
      throw new AppError('TOKEN_EXPIRED', 'too late');
    case 'away':
      throw serviceUnavailable('the database is away');
    case 'broken':
      throw new Error('a secret cause');
    default:
      throw new AppError('INVALID_TOKEN', 'no such token');
  }
};

const { authenticate, fromConnectionParams } = createAuthenticator([
  {
    kind: 'session',
    headers: ['authorization'],
    find: ({ authorization }) => authorization,
    authenticate: knownTokens,
  },
]);

/** Starts the server; `env` configures its limits. */
export async function startGraphqlServer(
  t: { teardown(work: () => unknown): void },
  {
    env = {},
    resolvers = {},
    introspection = true,
    suggestions = false,
    streams = {},
    sockets = {},
    charge = async () => undefined,
    chargeDocument = async () => undefined,
    before,
  }: GraphqlServerOptions = {},
): Promise<GraphqlServer> {
  const server = startTestServer(t, env);
  const { app, config } = server;
  let executed = 0;
  await before?.(app);
  const schema = testSchema(resolvers);
  for (const field of Object.values(schema.getSubscriptionType()!.getFields())) {
    field.subscribe = (_source, args) => streams[field.name]!(args as never);
    field.resolve = (item: unknown) => (typeof item === 'function' ? (item as () => unknown)() : item);
  }
  const socketSessions = createSocketSessions({
    authenticate,
    events: SILENCE,
    clock: testClock(),
    log: app.log,
    maxPerAccount: config.sockets.maxPerAccount,
  });
  app.addHook('onClose', async () => socketSessions.close());
  await app.register(graphqlPlugin, {
    schema,
    live: {
      origins: ['http://allowed.test'],
      socketSessions,
      upgrades: webSocketUpgrades(app.server, app.connections),
      charge: (_upgrade, userId, requests) => charge(userId, requests),
      sockets: createSockets({ max: 1000, maxPerNetwork: 1000, ...sockets }),
      credentialsOf: fromConnectionParams,
      createContext: () => ({}) as GraphqlContext,
    },
    limits: config.graphql,
    introspection,
    suggestions,
    charge: (_request, requests) => chargeDocument(requests),
    credentialFields: new Set(['login', 'register', 'refresh']),
    createContext: () => {
      executed += 1;
      return {} as GraphqlContext;
    },
  });
  return {
    ...server,
    executed: () => executed,
    post: (body, headers = {}) =>
      app.inject({
        method: 'POST',
        url: '/graphql',
        headers: { accept: 'application/graphql-response+json', 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    get: (params, headers = { 'graphql-require-preflight': '1' }) =>
      app.inject({
        url: `/graphql?${new URLSearchParams(params).toString()}`,
        headers: { accept: 'application/graphql-response+json', ...headers },
      }),
  };
}
