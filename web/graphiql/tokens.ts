/**
 * Puts the tokens of a payload where the next request needs them: the access token into the header editor, the
 * refresh token into the variables of `Refresh`. They are kept in the editors alone, in plain sight, and an editor
 * that holds anything else than what the page itself put there is left alone.
 */
import { pick, useGraphiQL, type MonacoEditor } from '@graphiql/react';
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { useEffect } from 'react';
import { json, REFRESH_VARIABLES } from './examples.js';

/** The tokens of an `AuthPayload`. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken?: string | null;
}

/** A fetcher that tells of the tokens it sees. */
export function createFetcher(endpoint: string, onTokens: (tokens: Tokens) => void): Fetcher {
  return createGraphiQLFetcher({
    url: endpoint,
    enableIncrementalDelivery: false,
    async fetch(input, init) {
      const response = await fetch(input, init);
      const tokens = tokensIn((await response.clone().json()) as Parameters<typeof tokensIn>[0]);
      if (tokens) onTokens(tokens);
      return response;
    },
  });
}

function tokensIn(result: { readonly data?: Readonly<Record<string, unknown>> | null }): Tokens | undefined {
  return Object.values(result.data ?? {}).find(isTokens);
}

function isTokens(value: unknown): value is Tokens {
  return typeof value === 'object' && value !== null && 'accessToken' in value && typeof value.accessToken === 'string';
}

/** Every text that an editor may hold without it being the user's own. */
const ours = new Set(['', REFRESH_VARIABLES]);

/** Keeps the editors of the tab in front at the latest tokens. */
export function FillTokens({ tokens }: { readonly tokens: Tokens | undefined }): null {
  const { headerEditor, variableEditor, tabs, activeTabIndex } = useGraphiQL(
    pick('headerEditor', 'variableEditor', 'tabs', 'activeTabIndex'),
  );
  const tab = tabs[activeTabIndex];

  useEffect(() => {
    if (tokens) fill(headerEditor, json({ Authorization: `Bearer ${tokens.accessToken}` }));
  }, [tokens, headerEditor, tab?.id]);

  useEffect(() => {
    if (tokens?.refreshToken && tab?.operationName === 'Refresh') {
      fill(variableEditor, json({ refreshToken: tokens.refreshToken }));
    }
  }, [tokens, variableEditor, tab?.id, tab?.operationName]);

  return null;
}

function fill(editor: MonacoEditor | undefined, text: string): void {
  if (!editor || !ours.has(editor.getValue())) return;
  ours.add(text);
  editor.setValue(text);
}
