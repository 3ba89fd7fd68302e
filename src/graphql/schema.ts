/** schema.graphql with its resolvers, its scalars and its directives enforced. */
import { readFileSync } from 'node:fs';
import { buildASTSchema, isObjectType, Kind, parse, type GraphQLSchema } from 'graphql';
import { enforceDirectives, type DirectiveOptions } from './directives/directives.js';
import { attachExtension, parseExtension, type SchemaExtension } from './extension.js';
import { attachJson } from './json-scalar.js';
import { attachDateTime, attachScope } from './scalars.js';
import { resolvers } from './resolvers/index.js';

/** The path of schema.graphql: at the root of the package, for src/ and dist/ alike. */
export const SCHEMA_FILE = new URL('../../schema.graphql', import.meta.url);

/**
 * Builds the executable schema.
 * @throws Error if resolvers do not match the schema, or a directive is misused
 */
export function createExecutableSchema(options: DirectiveOptions & SchemaExtension): GraphQLSchema {
  const extension = parseExtension(options);
  const { definitions } = parse(readFileSync(SCHEMA_FILE, 'utf8'));
  const schema = buildASTSchema({ kind: Kind.DOCUMENT, definitions: [...definitions, ...extension] });
  attachResolvers(schema, resolvers);
  attachScalars(schema);
  attachExtension(schema, extension, options.resolvers);
  return enforceDirectives(schema, options);
}

type ResolverMap = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function attachResolvers(schema: GraphQLSchema, map: ResolverMap): void {
  for (const [typeName, fields] of Object.entries(map)) {
    const type = schema.getType(typeName);
    for (const [fieldName, resolver] of Object.entries(fields)) {
      const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
      if (!field) throw new Error(`There is a resolver for ${typeName}.${fieldName}, which the schema does not have`);
      Object.assign(field, typeof resolver === 'function' ? { resolve: resolver } : resolver);
    }
  }
}

function attachScalars(schema: GraphQLSchema): void {
  attachDateTime(schema.getType('DateTime'));
  attachScope(schema.getType('Scope'));
  attachJson(schema.getType('JSON'));
}
