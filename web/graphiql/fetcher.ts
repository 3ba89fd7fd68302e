/** Sends the operation of the editors: queries and mutations over HTTP, subscriptions over a WebSocket. */
import { createGraphiQLFetcher, type Fetcher, type FetcherParams } from '@graphiql/toolkit';
import { getOperationAST, OperationTypeNode, parse, type ExecutionResult } from 'graphql';
import { subscribe } from './subscriptions.js';
import type { Tokens } from './tokens.js';

/**
 * @param endpoint the GraphQL endpoint's URL
 * @param onTokens called with the tokens of each answer that has some
 */
export function createFetcher(endpoint: string, onTokens: (tokens: Tokens) => void): Fetcher {
  let latest: Tokens | undefined;
  const send = createGraphiQLFetcher({
    url: endpoint,
    enableIncrementalDelivery: false,
    async fetch(input, init) {
      const response = await fetch(input, init);
      const tokens = tokensIn((await response.clone().json()) as ExecutionResult);
      if (tokens) onTokens((latest = tokens));
      return response;
    },
  });
  return (params, options) => {
    const own = withOwnOperation(params);
    if (!isSubscription(own)) return send(own, options);
    const authorization = authorizationIn(options?.headers) ?? (latest && `Bearer ${latest.accessToken}`);
    // GraphiQL shows results as they came; its type has errors as instances of a class.
    return subscribe(endpoint, own, authorization) as AsyncIterable<ExecutionResult>;
  };
}

/** For 0.1 s after a change of tabs GraphiQL still names the operation of the tab before, which the server would refuse. */
function withOwnOperation(params: FetcherParams): FetcherParams {
  const { query, operationName } = params;
  const own = new RegExp(`\\b(?:query|mutation|subscription)\\s+${operationName}\\b`).test(query);
  return own ? params : { ...params, operationName: null };
}

function isSubscription({ query, operationName }: FetcherParams): boolean {
  try {
    return getOperationAST(parse(query), operationName)?.operation === OperationTypeNode.SUBSCRIPTION;
  } catch {
    // The server says what is wrong with the document.
    return false;
  }
}

function authorizationIn(headers: Readonly<Record<string, unknown>> = {}): string | undefined {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  return typeof value === 'string' ? value : undefined;
}

function tokensIn({ data }: ExecutionResult): Tokens | undefined {
  return Object.values(data ?? {}).find(isTokens);
}

function isTokens(value: unknown): value is Tokens {
  return typeof value === 'object' && value !== null && 'accessToken' in value && typeof value.accessToken === 'string';
}
