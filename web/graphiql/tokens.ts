/**
 * Puts the tokens of a payload where the next request needs them: the access token into the header editor, the
 * refresh token into the variables of `Refresh`. They are kept in the editors alone, in plain sight, and an editor
 * that holds anything else than what the page itself put there is left alone.
 */
import { pick, useGraphiQL, type MonacoEditor } from '@graphiql/react';
import { useEffect } from 'react';
import { json, REFRESH_VARIABLES } from './examples.js';

/** The tokens of an `AuthPayload`. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken?: string | null;
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
