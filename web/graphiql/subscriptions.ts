/** A subscription of the playground: a WebSocket of its own, with the token that is current when it starts. */
import type { FetcherParams } from '@graphiql/toolkit';
import type { GraphQLFormattedError } from 'graphql';
import { createClient, type FormattedExecutionResult } from 'graphql-ws';

/**
 * Results until the subscription ends or `return` is called. Not an async generator, whose `return` would wait for the next
 * result. Fails with the reason when the socket closes before the subscription ends.
 * @param endpoint the GraphQL endpoint's URL, `http:` or `https:`
 * @param authorization `Bearer …`
 */
export function subscribe(
  endpoint: string,
  { query, operationName, variables }: FetcherParams,
  authorization: string | undefined,
): AsyncIterableIterator<FormattedExecutionResult> {
  const client = createClient({
    url: endpoint.replace(/^http/, 'ws'),
    connectionParams: { authorization },
    // The page shows why a subscription ended; it does not start another.
    retryAttempts: 0,
  });
  const results = client.iterate<Record<string, unknown>, Record<string, unknown>>({
    query,
    operationName: operationName ?? null,
    variables: variables as Record<string, unknown>,
  });
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => results.next().catch(lastResult),
    return: () => results.return!(),
  };
}

/** Errors of the operation are its last result. @throws Error for everything else */
function lastResult(reason: unknown): IteratorResult<FormattedExecutionResult> {
  if (Array.isArray(reason)) return { done: false, value: { errors: reason as GraphQLFormattedError[] } };
  if (reason instanceof CloseEvent) throw new Error(`The WebSocket was closed (${reason.code}). ${reason.reason}`);
  // Browsers do not say why a socket was refused.
  if (reason instanceof Event) throw new Error('The WebSocket was refused. Is this page at PUBLIC_URL?');
  throw reason;
}
