/**
 * Puts the tokens of a payload where the next request needs them: the access token into the header editor, the
 * refresh token into the variables of `Refresh`. Tokens stay in memory. An editor with a text of the user's own is never
 * changed.
 */
import { pick, useGraphiQL, type MonacoEditor } from '@graphiql/react';
import { useEffect } from 'react';
import { json, REFRESH_VARIABLES } from './examples.js';

/** The tokens of an `AuthPayload`. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken?: string | null;
}

/** Texts that the page itself puts into editors. */
const ours = new Set(['', REFRESH_VARIABLES]);

/** Keeps the latest tokens in the editors of the active tab. */
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
