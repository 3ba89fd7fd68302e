// Generates the resolvers' types from schema.graphql; with --check it fails when they differ from what is committed.
import { readFile, writeFile } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as resolvers from '@graphql-codegen/typescript-resolvers';
import { parse } from 'graphql';
import { format, resolveConfig } from 'prettier';

const filename = 'src/graphql/generated.ts';

const code = await codegen({
  filename,
  documents: [],
  schema: parse(await readFile('schema.graphql', 'utf8')),
  plugins: [{ add: {} }, { typescript: {} }, { resolvers: {} }],
  pluginMap: {
    add: { plugin: () => '/** Generated from schema.graphql by `npm run codegen`; not to be edited. */' },
    typescript,
    resolvers,
  },
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    emitLegacyCommonJSImports: false,
    maybeValue: 'T | null',
    inputMaybeValue: 'T | null | undefined',
    scalars: {
      DateTime: 'Date',
      JSON: { input: 'object', output: 'object' },
      Scope: 'string',
      ID: 'string',
    },
    contextType: './context.js#GraphqlContext',
    makeResolverTypeCallable: true,
    mappers: {
      User: '../users/account.js#AccountRecord',
      SecondFactors: '../users/account.js#AccountRecord',
      Session: '../sessions/session.js#SessionView',
      Identity: '../identities/repository.js#IdentityRow',
      AuthPayload: './resolvers/auth-payload.js#AuthPayloadView',
      OAuthClient: '../oauth/clients/client.js#OAuthClient as OAuthClientRecord',
      ApiKey: '../api-keys/api-key.js#ApiKeyRecord',
      ServiceAccount: '../service-accounts/service-account.js#ServiceAccountRecord',
      AuditEvent: '../audit/event.js#AuditRecord',
    },
  },
});
const formatted = await format(code, { ...(await resolveConfig(filename)), filepath: filename });

if (process.argv.includes('--check')) {
  if ((await readFile(filename, 'utf8').catch(() => '')) !== formatted) {
    console.error(`${filename} is not what schema.graphql says: run npm run codegen`);
    process.exitCode = 1;
  }
} else {
  await writeFile(filename, formatted);
}
