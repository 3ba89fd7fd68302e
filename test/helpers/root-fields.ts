/** Documents that execute one root field of the schema. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
} from 'graphql';

/** The required arguments, in parentheses. */
export function argumentsOf(field: GraphQLField<unknown, unknown>): string {
  const required = field.args.filter(({ type }) => isNonNullType(type));
  return required.length === 0 ? '' : `(${required.map(({ name, type }) => `${name}: ${literal(type)}`).join(', ')})`;
}

/** Well-typed, and meaningless enough to change nothing. */
function literal(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(type.ofType);
  if (isListType(type)) return `[${literal(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]!.name;
  if (isInputObjectType(type)) {
    const required = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
    return `{ ${required.map((field) => `${field.name}: ${literal(field.type)}`).join(', ')} }`;
  }
  return { Int: '1', Float: '1', Boolean: 'true', JSON: '{}' }[type.name] ?? '"x"';
}

/** A selection of one leaf; nothing for a leaf. */
export function selectionOf(field: GraphQLField<unknown, unknown>): string {
  const type = getNamedType(field.type);
  if (isLeafType(type)) return '';
  const leaf = Object.values((type as GraphQLObjectType).getFields()).find((inner) =>
    isLeafType(getNamedType(inner.type)),
  );
  return `{ ${leaf?.name ?? '__typename'} }`;
}
