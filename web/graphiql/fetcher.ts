/** Sends what the editors hold to the server. */
import { createGraphiQLFetcher, type Fetcher, type FetcherParams } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql';
import type { Tokens } from './tokens.js';

/** A fetcher that tells of the tokens it sees. */
export function createFetcher(endpoint: string, onTokens: (tokens: Tokens) => void): Fetcher {
  const send = createGraphiQLFetcher({
    url: endpoint,
    enableIncrementalDelivery: false,
    async fetch(input, init) {
      const response = await fetch(input, init);
      const tokens = tokensIn((await response.clone().json()) as ExecutionResult);
      if (tokens) onTokens(tokens);
      return response;
    },
  });
  return (params, options) => send(withOwnOperation(params), options);
}

/** For 0.1 s after a change of tabs GraphiQL still names the operation of the tab before, which the server would refuse. */
function withOwnOperation(params: FetcherParams): FetcherParams {
  const { query, operationName } = params;
  const own = new RegExp(`\\b(?:query|mutation|subscription)\\s+${operationName}\\b`).test(query);
  return own ? params : { ...params, operationName: null };
}

function tokensIn({ data }: ExecutionResult): Tokens | undefined {
  return Object.values(data ?? {}).find(isTokens);
}

function isTokens(value: unknown): value is Tokens {
  return typeof value === 'object' && value !== null && 'accessToken' in value && typeof value.accessToken === 'string';
}
