/** Fields that an embedding application adds to the schema: checked at the start, and gated by the same directives. */
import {
  isAbstractType,
  isObjectType,
  isScalarType,
  Kind,
  parse,
  visit,
  type DefinitionNode,
  type DirectiveNode,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import type { AccountPrincipal } from '../authn/strategy.js';
import type { GraphqlContext } from './context.js';

/** What the application's resolvers get as their context; the same object for all resolvers of a request. */
export interface ResolverContext {
  /** The caller, behind `@authenticated` or another gate. */
  principal(): AccountPrincipal;
  /** Authenticates the caller of a `@public` field. @throws AppError MISSING_TOKEN and others */
  authenticate(): Promise<AccountPrincipal>;
  readonly client: { readonly ipAddress: string; readonly userAgent: string | null };
}

/** As graphql-js calls it: `(source, args, context, info)`. Declare the types of your fields. */
export type Resolver = (source: never, args: never, context: ResolverContext, info: never) => unknown;

export interface SubscriptionResolver {
  /** Returns an async iterable of events. */
  readonly subscribe: Resolver;
  /** Makes the field's value of an event; the event itself if left out. */
  readonly resolve?: Resolver;
}

/**
 * By type and field. A union or interface has `__resolveType`; a scalar has `serialize`, `parseValue` and `parseLiteral`,
 * as a `GraphQLScalarType` of graphql-js does.
 */
export type ResolverMap = Readonly<Record<string, Readonly<Record<string, Resolver | SubscriptionResolver>> | object>>;

export interface SchemaExtension {
  /** SDL, such as `extend type Query { movies: [Movie!]! @requiresScopes(scopes: [["read:content"]]) }`. */
  readonly typeDefs?: string | readonly string[] | undefined;
  readonly resolvers?: ResolverMap | undefined;
}

/** @throws Error for SDL that does not parse, and for directives where no gate would enforce them */
export function parseExtension({ typeDefs = [] }: SchemaExtension): readonly DefinitionNode[] {
  const texts = [typeDefs].flat().filter((text) => text.trim() !== '');
  const definitions = texts.flatMap((text) => parse(text).definitions);
  for (const node of definitions) {
    const isExtension = node.kind === Kind.OBJECT_TYPE_EXTENSION || node.kind === Kind.INTERFACE_TYPE_EXTENSION;
    if (isExtension && node.directives?.length)
      throw new Error(`typeDefs: "extend type ${node.name.value}" carries a directive; put it on the fields`);
    // A required input field, for example, would break every client of Latchkey.
    if (node.kind.endsWith('Extension') && !isExtension)
      throw new Error('typeDefs: only object types and interfaces can be extended');
    visit(node, { Directive: refuseInternalDirective });
  }
  return definitions;
}

/** Without an access token, a field with this directive runs without a principal, which only `logout` handles. */
function refuseInternalDirective({ name }: DirectiveNode): void {
  if (name.value === 'orRefreshCookie') throw new Error('typeDefs: @orRefreshCookie is for logout only');
}

/** Attaches the resolvers. @throws Error naming every resolver without a field of the extension, and the reverse */
export function attachExtension(
  schema: GraphQLSchema,
  definitions: readonly DefinitionNode[],
  resolvers: ResolverMap = {},
): void {
  const own = new Set<unknown>(definitions);
  for (const node of definitions) for (const field of 'fields' in node ? (node.fields ?? []) : []) own.add(field);
  const errors: string[] = [];
  for (const [typeName, map] of Object.entries(resolvers)) {
    const type = schema.getType(typeName);
    if (!type) errors.push(`resolvers: the schema has no type ${typeName}`);
    else if (isObjectType(type)) errors.push(...attachFields(type, map, own));
    else if (!own.has(type.astNode)) errors.push(`resolvers: ${typeName} is not a type of typeDefs`);
    else if (!attachType(type, map)) errors.push(`resolvers: ${typeName} is not a type that has resolvers`);
  }
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const { name, astNode, resolve, subscribe } of Object.values(root?.getFields() ?? {})) {
      const resolver = root === schema.getSubscriptionType() ? subscribe : resolve;
      if (own.has(astNode) && !resolver) errors.push(`resolvers: ${root!.name}.${name} has no resolver`);
    }
  }
  if (errors.length > 0) throw new Error(`The schema is refused:\n  ${errors.join('\n  ')}`);
}

function attachFields(type: GraphQLNamedType, map: object, own: ReadonlySet<unknown>): string[] {
  const fields = isObjectType(type) ? type.getFields() : {};
  return Object.entries(map as Record<string, Resolver | SubscriptionResolver | undefined>).flatMap(
    ([name, resolver]) => {
      const field = fields[name];
      if (!field || !own.has(field.astNode)) return [`resolvers: ${type.name}.${name} is not a field of typeDefs`];
      if (!resolver) return [`resolvers: ${type.name}.${name} is not a resolver`];
      if (typeof resolver === 'function') field.resolve = adapted(resolver);
      else {
        field.subscribe = adapted(resolver.subscribe);
        field.resolve = resolver.resolve ? adapted(resolver.resolve) : (event: unknown) => event;
      }
      return [];
    },
  );
}

/** Whether the type is one that has resolvers: enums and input types have none. */
function attachType(type: GraphQLNamedType, map: object): boolean {
  const { __resolveType: resolveType, serialize, parseValue, parseLiteral } = map as Record<string, unknown>;
  if (isAbstractType(type)) Object.assign(type, { resolveType });
  else if (isScalarType(type)) {
    for (const [name, method] of Object.entries({ serialize, parseValue, parseLiteral }))
      if (method) Object.assign(type, { [name]: method });
  }
  return isAbstractType(type) || isScalarType(type);
}

/** Keeps one context for each request, so that an application can keep its data loaders by it. */
const contexts = new WeakMap<GraphqlContext, ResolverContext>();

function contextOf({ client, ...context }: GraphqlContext): ResolverContext {
  const { ipAddress, userAgent } = client;
  return {
    principal: () => context.principal(),
    authenticate: () => context.authenticate(),
    client: { ipAddress, userAgent },
  };
}

function adapted(resolver: Resolver) {
  return (source: unknown, args: unknown, context: GraphqlContext, info: unknown): unknown => {
    const narrow = contexts.get(context) ?? contextOf(context);
    contexts.set(context, narrow);
    // Casts: the application declares the types of its own fields.
    return resolver(source as never, args as never, narrow, info as never);
  };
}
