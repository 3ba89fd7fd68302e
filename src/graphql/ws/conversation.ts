/**
 * What is said over one socket: the `graphql-ws` package speaks the protocol, subscriptions alone are served, and what goes
 * wrong leaves as it does over HTTP.
 */
import type { ExecutionArgs, GraphQLError, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { makeServer, type SubscribePayload } from 'graphql-ws';
import { AppError, validationError } from '../../lib/errors.js';
import { rejectPrototype } from '../../lib/json.js';
import type { RequestCredentials } from '../../authn/strategy.js';
import type { GraphqlContext } from '../context.js';
import type { PreparedDocument, PrepareDocument } from '../documents/documents.js';
import { translateError, type FormattedError, type TranslatedError } from '../error-format.js';
import type { ScopeDemand } from '../directives/gates.js';
import { RejectedDocument } from '../documents/validation.js';
import { variableFaults } from '../documents/variable-faults.js';
import { BAD_MESSAGE, closingFor, closingOf, FAULT, isRefusal } from './closings.js';
import type { Connection } from './connection.js';
import type { Hub, Seat } from './hub.js';
import { failing, Refusal, refusal } from './refusal.js';
import type { Stream, Subscribe } from './shared-execution.js';

export interface ConversationOptions {
  readonly schema: GraphQLSchema;
  readonly prepare: PrepareDocument;
  readonly subscribe: Subscribe;
  readonly hub: Pick<Hub, 'enter'>;
  /** Counts a message that subscribes, before its document is looked at. @throws AppError RATE_LIMIT_EXCEEDED */
  charge(userId: string, requests: number): Promise<void>;
  /** The credentials in the payload of `connection_init`. */
  credentialsOf(params: Readonly<Record<string, unknown>> | undefined): RequestCredentials;
  /** A context for each subscription. */
  createContext(credentials: RequestCredentials, onDemand: (demands: readonly ScopeDemand[]) => void): GraphqlContext;
  /** What INTERNAL_ERROR tells, to find the log lines by. */
  readonly requestId: string;
  readonly log: Record<'error' | 'info', (fields: object, message: string) => void>;
}

const INIT_TIMEOUT_MS = 3000;
/** Subscriptions that are open, or opening, on one socket. */
const MAX_SUBSCRIPTIONS = 50;
/** Longer than any client makes them; ids are kept. */
const MAX_ID_LENGTH = 128;
/** graphql-ws throws this for a message that only a server sends. */
const NOT_FOR_SERVERS = /^Unexpected message of type /;

const OVER = { done: true, value: undefined } as const;

/** What graphql-ws passes from one step to the next. */
interface Opening extends ExecutionArgs {
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;
  readonly release: () => void;
}

/** Serves a socket until it closes. */
export function converse(connection: Connection, options: ConversationOptions): void {
  const { schema, prepare, subscribe, hub, charge, createContext, requestId, log } = options;
  const streams = new Set<Stream>();
  let occupied = 0;
  let seat: Seat | undefined;

  function note({ fault }: TranslatedError): void {
    const fields = { code: fault.code, userId: seat?.userId };
    if (fault.status >= 500) log.error({ ...fields, err: fault.cause ?? fault }, 'A subscription failed');
    else log.info(fields, 'A subscription was refused');
  }

  /** What a client is told of errors; a socket whose credentials are no longer good is told by its end. */
  function told(errors: readonly TranslatedError[]): readonly FormattedError[] {
    errors.forEach(note);
    const ending = errors.find(
      ({ fault }) => fault.code !== 'INSUFFICIENT_PERMISSIONS' && isRefusal(closingFor(fault)),
    );
    if (ending) connection.close(closingFor(ending.fault));
    return errors.map(({ formatted }) => formatted);
  }

  /** Charges the work of a document, also when it is refused. */
  async function prepared({ query, operationName }: SubscribePayload): Promise<PreparedDocument> {
    let requests = 0;
    try {
      return prepare(query, operationName ?? undefined, (spent) => (requests += spent));
    } finally {
      if (requests > 0) await charge(seat!.userId, requests);
    }
  }

  function opening({ document, operation, costOf }: PreparedDocument, { variables }: SubscribePayload): Opening {
    if (operation.operation !== 'subscription')
      throw new AppError('QUERY_REJECTED', 'Queries and mutations are served over HTTP.');
    costOf(variables ?? {});
    const hold = seat!.begin();
    return {
      schema,
      document,
      operation,
      operationName: operation.name?.value ?? null,
      variables: variables ?? {},
      variableValues: variables ?? {},
      contextValue: createContext(seat!.credentials, hold.demand),
      release: hold.release,
    };
  }

  /** Opens a stream. @throws Refusal */
  async function open(opening: Opening): Promise<Stream> {
    if (occupied >= MAX_SUBSCRIPTIONS) throw new Refusal(told([tooMany()]));
    occupied += 1;
    const over = (): void => {
      occupied -= 1;
      opening.release();
    };
    try {
      const result = await subscribe(opening, seat!.credentials);
      if (Symbol.asyncIterator in result) return tracked(result, over);
      throw new Refusal(told(refused(opening, result.errors ?? [])));
    } catch (error) {
      over();
      throw error instanceof Refusal ? error : new Refusal(told([translateError(error, requestId)]));
    }
  }

  function refused({ operation, variables }: Opening, errors: readonly GraphQLError[]): TranslatedError[] {
    const faults = variableFaults(schema, operation, variables);
    if (faults.length > 0) return [translateError(validationError(faults), requestId)];
    return errors.map((error) => translateError(error, requestId));
  }

  /** Sees to it that a stream is ended with the socket, whatever the client did with its id meanwhile. */
  function tracked(stream: Stream, over: () => void): Stream {
    const end = (): void => {
      if (streams.delete(own)) over();
    };
    const own: Stream = {
      async next() {
        // Nobody is told any more, and the next event would be as fast as nobody reads.
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
        // Whoever ends a stream waits for nothing, and nobody would catch what goes wrong then.
        await stream.return(value).catch((err: unknown) => log.error({ err }, 'subscription'));
        return OVER;
      },
      throw: (error) => stream.throw(error),
      [Symbol.asyncIterator]: () => own,
    };
    streams.add(own);
    return own;
  }

  function failed(error: unknown): void {
    log.error({ err: error }, 'socket');
    connection.close(FAULT);
  }

  const hangUp = makeServer({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    jsonMessageReviver: rejectPrototype,

    async onConnect(context) {
      const credentials = options.credentialsOf(context.connectionParams);
      // The library would keep it, however much it is.
      Object.assign(context, { connectionParams: undefined });
      seat = await hub.enter(connection, credentials);
      return seat !== undefined;
    },

    async onSubscribe({ subscriptions }, id, payload) {
      if (id.length > MAX_ID_LENGTH) connection.close(BAD_MESSAGE);
      try {
        await charge(seat!.userId, 1);
        const document = await prepared(payload);
        // Given up meanwhile, or hung up: nobody hears this refusal.
        if (!(id in subscriptions) || !connection.isOpen()) return refusal([]);
        return opening(document, payload);
      } catch (error) {
        const errors = error instanceof RejectedDocument ? error.errors : [translateError(error, requestId)];
        return refusal(told(errors));
      }
    },

    subscribe: (opening) => open(opening as Opening).catch((refused: Refusal) => failing(refused)),

    /** An event that cannot be told whole is the socket's end: the next one would hide that one is missing. */
    onNext(_context, _id, _payload, _args, { data, errors = [] }) {
      if (errors.length === 0) return undefined;
      const translated = errors.map((error) => translateError(error, requestId));
      translated.forEach(note);
      if (data == null) connection.close(closingFor(translated[0]!.fault));
      // graphql-ws sends errors as they are; its types ask for instances of GraphQLError, which a formatted one is not.
      return { data: data ?? null, errors: translated.map(({ formatted }) => formatted as never) };
    },

    onError(_context, _id, _payload, [error]) {
      const cause = error?.originalError;
      // The casts here have the reason of the one in `onNext`.
      if (cause instanceof Refusal) return cause.errors as never;
      const translated = translateError(error, requestId);
      note(translated);
      connection.close(closingFor(translated.fault));
      return [translated.formatted as never];
    },
  }).opened(
    {
      protocol: 'graphql-transport-ws',
      send: connection.send,
      close: (code) => connection.close(closingOf(code)),
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
    log.info({ code, userId: seat?.userId }, 'A WebSocket closed');
    seat?.leave();
    for (const stream of streams) void stream.return();
    hangUp().catch(failed);
  });
}

function tooMany(): TranslatedError {
  return translateError(new AppError('QUERY_REJECTED', `A socket has at most ${MAX_SUBSCRIPTIONS} subscriptions.`), '');
}
