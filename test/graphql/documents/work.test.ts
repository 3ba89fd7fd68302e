import { readFileSync } from 'node:fs';
import t from 'tap';
import { nastyDocuments } from '../../helpers/nasty-documents.js';
import { startStepCounter } from '../../helpers/steps.js';

/** A typical query for an account. */
const ME = '{ me { id email username } }';

t.test('prepares every document within the limits with at most ten times the work of `me`', async (t) => {
  const steps = await startStepCounter(t, (url) => /\/node_modules\/graphql\/|\/src\/graphql\//.test(url));
  const { buildSchema, getIntrospectionQuery } = await import('graphql');
  const { loadConfig } = await import('../../../src/config/config.js');
  const { createDocuments } = await import('../../../src/graphql/documents/documents.js');
  const { SCHEMA_FILE } = await import('../../../src/graphql/schema.js');
  const { graphql: limits } = loadConfig({ DATA_DIR: 'memory://' });
  const schema = buildSchema(readFileSync(SCHEMA_FILE, 'utf8'));

  for (const open of [true, false]) {
    const options = { schema, ...limits, introspection: open, suggestions: open, credentialFields: new Set<string>() };
    const prepare = createDocuments(options);
    prepare('{ __typename }', undefined);
    const me = await steps.count(() => prepare(ME, undefined));
    t.ok(me > 1000, `me takes ${me} steps`);
    let largest = 0;
    const check = async (kind: string, source: string) => {
      t.ok(source.length <= limits.maxLength, `${kind} is within the length`);
      const name = /^query (A|Q0)\b/.exec(source)?.[1];
      const taken = await steps.count(() => prepare(source, name));
      largest = Math.max(largest, taken);
      t.ok(taken <= 10 * me, `${kind}: ${(taken / me).toFixed(1)} times`);
    };
    await check('introspection', getIntrospectionQuery());
    // Those that fill a limit are refused by it; smaller ones go on to the next.
    for (const share of open ? [1, 0.85, 0.7, 0.5] : [0.7]) {
      const maxTokens = Math.floor(limits.maxTokens * share);
      for (const [kind, source] of Object.entries(nastyDocuments({ ...limits, maxTokens }))) {
        await check(`${kind}, ${share}`, source);
        // The same errors, far from the beginning of the text.
        if (share === 0.7) await check(`${kind}, after empty lines`, source.padStart(limits.maxLength, '\n'));
      }
    }
    t.ok(largest > 5 * me, 'some come near the bound');
  }
});
