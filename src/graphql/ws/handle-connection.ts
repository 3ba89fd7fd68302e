/**
 * Serves one socket: the `graphql-ws` package implements the protocol, only subscriptions are executed, and errors have the same
 * format as over HTTP.
 */
import type { ExecutionArgs, GraphQLError, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { makeServer, type SubscribePayload } from 'graphql-ws';
import { AppError, validationError } from '../../lib/errors.js';
import { rejectPrototype } from '../../lib/json.js';
import type { RequestCredentials } from '../../authn/strategy.js';
import { subjectFields } from '../../authz/principal.js';
import type { GraphqlContext } from '../context.js';
import type { PreparedDocument, PrepareDocument } from '../documents/documents.js';
import { translateError, type FormattedError, type TranslatedError } from '../error-format.js';
import type { ScopeRequirement } from '../directives/gates.js';
import { RejectedDocument } from '../documents/validation.js';
import { variableErrors } from '../documents/variable-errors.js';
import { BAD_MESSAGE, closeReasonFor, closeReasonOf, INTERNAL_ERROR, isRefusal } from './close-codes.js';
import type { Socket } from './socket.js';
import type { SocketSessions, SocketSession } from './socket-session.js';
import { failing, Refusal, refusal } from './subscription-errors.js';
import type { Stream, Subscribe } from './shared-execution.js';

export interface ConnectionOptions {
  readonly schema: GraphQLSchema;
  readonly prepare: PrepareDocument;
  readonly subscribe: Subscribe;
  readonly socketSessions: Pick<SocketSessions, 'open'>;
  /** Charges a subscribe message before its document is parsed. @throws AppError RATE_LIMIT_EXCEEDED */
  charge(subjectId: string, requests: number): Promise<void>;
  /** Of the client. */
  readonly ipAddress: string;
  /** The credentials in the payload of `connection_init`. */
  credentialsOf(params: Readonly<Record<string, unknown>> | undefined): RequestCredentials;
  /** Creates the context of a subscription. */
  createContext(session: SocketSession, onRequire: (requirements: readonly ScopeRequirement[]) => void): GraphqlContext;
  /** The `requestId` of INTERNAL_ERROR, for finding the log lines. */
  readonly requestId: string;
  readonly log: Record<'error' | 'info', (fields: object, message: string) => void>;
}

const INIT_TIMEOUT_MS = 3000;
/** Subscriptions that are open or being opened on one socket. */
const MAX_SUBSCRIPTIONS = 50;
/** Longer than the ids of any client; the server stores them. */
const MAX_ID_LENGTH = 128;
/** graphql-ws throws this for a message type that only servers send. */
const NOT_FOR_SERVERS = /^Unexpected message of type /;

const OVER = { done: true, value: undefined } as const;

/** The arguments that graphql-ws passes from `onSubscribe` to `subscribe`. */
interface SubscriptionArgs extends ExecutionArgs {
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;
  readonly release: () => void;
}

/** Serves a socket until it closes. */
export function handleConnection(connection: Socket, options: ConnectionOptions): void {
  const { schema, prepare, subscribe, socketSessions, charge, createContext, requestId, log } = options;
  const streams = new Set<Stream>();
  let occupied = 0;
  let session: SocketSession | undefined;

  function logError({ error }: TranslatedError): void {
    const fields = { code: error.code, ...subjectFields(session?.subject) };
    if (error.status >= 500) log.error({ ...fields, err: error.cause ?? error }, 'A subscription failed');
    else log.info(fields, 'A subscription was refused');
  }

  /** Formats errors for the client, and closes the socket if one says that the credentials are invalid. */
  function reported(errors: readonly TranslatedError[]): readonly FormattedError[] {
    errors.forEach(logError);
    const ending = errors.find(
      ({ error }) => error.code !== 'INSUFFICIENT_PERMISSIONS' && isRefusal(closeReasonFor(error)),
    );
    if (ending) connection.close(closeReasonFor(ending.error));
    return errors.map(({ formatted }) => formatted);
  }

  /** Prepares a document, and charges its work also if it is refused. */
  async function prepared({ query, operationName }: SubscribePayload): Promise<PreparedDocument> {
    let requests = 0;
    try {
      return prepare(query, operationName ?? undefined, (spent) => (requests += spent));
    } finally {
      if (requests > 0) await charge(session!.subject.id, requests);
    }
  }

  function executionArgs(
    { document, operation, costOf }: PreparedDocument,
    { variables }: SubscribePayload,
  ): SubscriptionArgs {
    if (operation.operation !== 'subscription')
      throw new AppError('QUERY_REJECTED', 'Queries and mutations are served over HTTP.');
    const handle = session!.begin(costOf(variables ?? {}));
    return {
      schema,
      document,
      operation,
      operationName: operation.name?.value ?? null,
      variables: variables ?? {},
      variableValues: variables ?? {},
      contextValue: createContext(session!, handle.require),
      release: handle.release,
    };
  }

  /** Opens a stream. @throws Refusal */
  async function open(executionArgs: SubscriptionArgs): Promise<Stream> {
    if (occupied >= MAX_SUBSCRIPTIONS) {
      executionArgs.release();
      throw new Refusal(reported([tooMany()]));
    }
    occupied += 1;
    const over = (): void => {
      occupied -= 1;
      executionArgs.release();
    };
    try {
      const result = await subscribe(executionArgs, session!.credentials);
      if (Symbol.asyncIterator in result) return tracked(result, over);
      throw new Refusal(reported(refused(executionArgs, result.errors ?? [])));
    } catch (error) {
      over();
      throw error instanceof Refusal ? error : new Refusal(reported([translateError(error, requestId)]));
    }
  }

  function refused({ operation, variables }: SubscriptionArgs, errors: readonly GraphQLError[]): TranslatedError[] {
    const issues = variableErrors(schema, operation, variables);
    if (issues.length > 0) return [translateError(validationError(issues), requestId)];
    return errors.map((error) => translateError(error, requestId));
  }

  /** Ends a stream with its socket, even if the client has reused its id. */
  function tracked(stream: Stream, over: () => void): Stream {
    const end = (): void => {
      if (streams.delete(own)) over();
    };
    const own: Stream = {
      async next() {
        // The socket has closed: do not execute further events.
        if (!connection.isOpen()) return own.return();
        const step = await stream.next().catch((error: unknown) => {
          end();
          throw error;
        });
        if (step.done) end();
        return step;
      },
      async return(value) {
        end();
        // No caller handles a failure here.
        await stream.return(value).catch((err: unknown) => log.error({ err }, 'A subscription failed to end'));
        return OVER;
      },
      throw: (error) => stream.throw(error),
      [Symbol.asyncIterator]: () => own,
    };
    streams.add(own);
    return own;
  }

  function failed(error: unknown): void {
    log.error({ err: error }, 'A WebSocket failed');
    connection.close(INTERNAL_ERROR);
  }

  const closed = makeServer({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    jsonMessageReviver: rejectPrototype,

    async onConnect(context) {
      const credentials = options.credentialsOf(context.connectionParams);
      // Frees the payload, which graphql-ws would keep.
      Object.assign(context, { connectionParams: undefined });
      session = await socketSessions.open(connection, credentials, options.ipAddress);
      return session !== undefined;
    },

    async onSubscribe({ subscriptions }, id, payload) {
      if (id.length > MAX_ID_LENGTH) connection.close(BAD_MESSAGE);
      try {
        await charge(session!.subject.id, 1);
        const document = await prepared(payload);
        // The client has completed the subscription or closed the socket meanwhile.
        if (!(id in subscriptions) || !connection.isOpen()) return refusal([]);
        return executionArgs(document, payload);
      } catch (error) {
        const errors = error instanceof RejectedDocument ? error.errors : [translateError(error, requestId)];
        return refusal(reported(errors));
      }
    },

    subscribe: (executionArgs) => open(executionArgs as SubscriptionArgs).catch((refused: Refusal) => failing(refused)),

    /** Closes the socket if an event cannot be delivered: the next event would hide the gap. */
    onNext(_context, _id, _payload, _args, { data, errors = [] }) {
      if (errors.length === 0) return undefined;
      const translated = errors.map((error) => translateError(error, requestId));
      translated.forEach(logError);
      if (data == null) connection.close(closeReasonFor(translated[0]!.error));
      // Cast: graphql-ws serializes errors as they are, but its types require instances of GraphQLError.
      return { data: data ?? null, errors: translated.map(({ formatted }) => formatted as never) };
    },

    onError(_context, _id, _payload, [error]) {
      const cause = error?.originalError;
      // Casts: as in `onNext`, because these errors are formatted as well.
      if (cause instanceof Refusal) return cause.errors as never;
      const translated = translateError(error, requestId);
      logError(translated);
      connection.close(closeReasonFor(translated.error));
      return [translated.formatted as never];
    },
  }).opened(
    {
      protocol: 'graphql-transport-ws',
      send: connection.send,
      close: (code) => connection.close(closeReasonOf(code)),
      onMessage: (handle) =>
        connection.onMessage((text) => {
          handle(text).catch((error: unknown) => {
            if (error instanceof Error && NOT_FOR_SERVERS.test(error.message)) connection.close(BAD_MESSAGE);
            else failed(error);
          });
        }),
    },
    {},
  );

  connection.onClose((code) => {
    log.info({ code, ...subjectFields(session?.subject) }, 'A WebSocket closed');
    session?.end();
    for (const stream of streams) void stream.return();
    closed().catch(failed);
  });
}

function tooMany(): TranslatedError {
  return translateError(new AppError('QUERY_REJECTED', `A socket has at most ${MAX_SUBSCRIPTIONS} subscriptions.`), '');
}
