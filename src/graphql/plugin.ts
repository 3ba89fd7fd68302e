/** The GraphQL route: implements GraphQL over HTTP (draft of 2025); mercurius executes. */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { GraphQLSchema } from 'graphql';
import mercurius from 'mercurius';
import { clientOf } from '../fastify/client.js';
import type { Config } from '../config/config.js';
import { AppError, validationError } from '../lib/errors.js';
import type { GraphqlContext } from './context.js';
import { credentialFieldsOf } from './directives/credential-fields.js';
import { requestsOf } from './documents/cost.js';
import { createDocuments, type PreparedDocument } from './documents/documents.js';
import { translateError, type TranslatedError } from './error-format.js';
import { acceptOnlyJson } from './http/json-body.js';
import { JSON_RESPONSE, negotiate } from './http/media-type.js';
import { readParams } from './http/request-params.js';
import { refuse, respond, type Outcome } from './http/response.js';
import { RejectedDocument } from './documents/validation.js';
import { createPersistedQueries } from './documents/persisted-queries.js';
import { serveSockets, type LiveOptions } from './ws/transport.js';
import { variableErrors } from './documents/variable-errors.js';

export interface GraphqlPluginOptions {
  readonly schema: GraphQLSchema;
  readonly limits: Config['graphql'];
  /** Whether `__schema` and `__type` may be queried. */
  readonly introspection: boolean;
  /** Whether errors may suggest names from the schema. */
  readonly suggestions: boolean;
  /** Mutations of which a document may execute one; by default those with `@oneCredentialAttempt`. */
  readonly credentialFields?: ReadonlySet<string>;
  /**
   * Charges the requests that an expensive document counts as.
   * @throws AppError RATE_LIMIT_EXCEEDED
   */
  charge(request: FastifyRequest, requests: number): Promise<void>;
  /** Called before the response to a mutation, which may have ended the session of the request. */
  afterMutation?(request: FastifyRequest): void;
  /** Options of WebSockets. */
  readonly live: LiveOptions;
  /**
   * Creates the context of a request, to which mercurius adds members.
   */
  createContext(request: FastifyRequest, reply: FastifyReply): GraphqlContext;
}

const PATH = '/graphql';

const plugin: FastifyPluginAsync<GraphqlPluginOptions> = async (app, options) => {
  const { schema, limits } = options;
  await app.register(mercurius, {
    schema,
    routes: false,
    cache: limits.cacheEntries,
    // Errors are translated once, below.
    errorFormatter: (execution) => ({ statusCode: 200, response: execution }),
  });
  const prepare = createDocuments({
    ...options,
    ...limits,
    credentialFields: options.credentialFields ?? credentialFieldsOf(schema),
    // mercurius's cache is limited by entries, not by size: replacing the schema empties it.
    onTurnover: () => app.graphql.replaceSchema(schema),
  });

  const persisted = createPersistedQueries(limits.cacheEntries, limits.persistedQueries);

  async function execute(
    request: FastifyRequest,
    reply: FastifyReply,
    { document, operation }: PreparedDocument,
    variables: Record<string, unknown>,
  ): Promise<Outcome> {
    try {
      const { data, errors = [] } = await app.graphql(
        document,
        options.createContext(request, reply),
        // Without declared variables, mercurius need not check them again.
        operation.variableDefinitions?.length ? variables : undefined,
        operation.name?.value,
      );
      return { data, errors: errors.map((error) => translateError(error, request.id)) };
    } catch (error) {
      const issues = variableErrors(schema, operation, variables);
      return { errors: [translateError(issues.length > 0 ? validationError(issues) : error, request.id)] };
    }
  }

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const type = negotiate(request.headers.accept);
    if (!type)
      return refuse(
        request,
        reply.code(406),
        JSON_RESPONSE,
        'Accept application/graphql-response+json or application/json.',
      );
    const params = readParams(request);
    const { operationName, variables = {} } = params;
    let prepared: PreparedDocument;
    let requests = 0;
    try {
      try {
        prepared = prepare(persisted.resolve(params), operationName, (spent) => (requests += spent));
        requests += requestsOf(prepared.costOf(variables));
      } finally {
        if (requests > 0) await options.charge(request, requests);
      }
    } catch (error) {
      return respond(request, reply, type, { errors: refused(error, request.id) });
    }
    const { operation: kind, name } = prepared.operation;
    request.operation = { type: kind, name: name?.value ?? null };
    if (kind === 'subscription') {
      const error = new AppError('QUERY_REJECTED', 'Subscriptions are served over WebSocket.');
      return respond(request, reply, type, { errors: [translateError(error, request.id)] });
    }
    if (kind === 'mutation' && request.method === 'GET') {
      return refuse(request, reply.code(405).header('allow', 'POST'), type, 'A GET may only query.');
    }
    persisted.store(params, clientOf(request).network);
    const outcome = await execute(request, reply, prepared, variables);
    if (kind === 'mutation') options.afterMutation?.(request);
    return respond(request, reply, type, outcome);
  }

  const sockets = await serveSockets(app, { ...options.live, schema, prepare });
  await app.register(async (scope) => {
    acceptOnlyJson(scope);
    scope.route({
      method: 'GET',
      url: PATH,
      exposeHeadRoute: false,
      config: { countAfterBody: true },
      handler: answer,
      ...sockets,
    });
    scope.route({
      method: 'POST',
      url: PATH,
      bodyLimit: limits.maxBodyBytes,
      config: { countAfterBody: true },
      handler: answer,
    });
    refuseOtherMethods(scope);
  });
};

/** The errors of a refused document. */
function refused(error: unknown, requestId: string): readonly TranslatedError[] {
  return error instanceof RejectedDocument ? error.errors : [translateError(error, requestId)];
}

/** Refuses other methods before the body is read. CORS handles OPTIONS. */
function refuseOtherMethods(scope: FastifyInstance): void {
  const handler = (request: FastifyRequest, reply: FastifyReply) =>
    refuse(request, reply.code(405).header('allow', 'GET, POST'), JSON_RESPONSE, 'The method is not allowed.');
  scope.route({
    method: ['HEAD', 'PUT', 'PATCH', 'DELETE'],
    url: PATH,
    onRequest: async (request, reply) => handler(request, reply),
    handler,
  });
}

/** Stores on each request the values that its log line contains. */
export const graphqlPlugin = fp(plugin, { name: 'graphql', dependencies: ['request-log'], fastify: '5.x' });
