/** The playground: GraphiQL with examples, complete without internet. */
import '@graphiql/react/style.css';
import 'graphiql/graphiql.css';
import 'graphiql/setup-workers/vite';
import './style.css';
import { GraphiQL } from 'graphiql';
import { StrictMode, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { EXAMPLES } from './examples.js';
import { createFetcher } from './fetcher.js';
import icon from './icon.svg';
import { createStorage } from './storage.js';
import { FillTokens, type Tokens } from './tokens.js';

const storage = createStorage();
const tabs = [...EXAMPLES];

function Playground({ endpoint }: { readonly endpoint: string }) {
  const [tokens, setTokens] = useState<Tokens>();
  const fetcher = useMemo(() => createFetcher(endpoint, setTokens), [endpoint]);
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={tabs}
      initialVariables={tabs[0]?.variables ?? ''}
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <span className="latchkey-logo">
          <img src={new URL(icon, import.meta.url).href} alt="" width="20" height="20" /> Latchkey
        </span>
      </GraphiQL.Logo>
      <FillTokens tokens={tokens} />
    </GraphiQL>
  );
}

const root = document.getElementById('playground');
if (!root) throw new Error('The page has no #playground');
createRoot(root).render(
  <StrictMode>
    <Playground endpoint={new URL('graphql', document.baseURI).href} />
  </StrictMode>,
);
