/** The scalar `JSON`: an object, as a variable or as a literal. */
import { GraphQLError, isScalarType, Kind, valueFromASTUntyped, type GraphQLType } from 'graphql';

/**
 * Gives the scalar its functions. The services read the members that they know; the limits of documents and bodies bound the rest.
 * @throws Error if the schema does not define it
 */
export function attachJson(type: GraphQLType | undefined): void {
  if (!isScalarType(type)) throw new Error('The schema lacks the scalar JSON');
  type.serialize = assertObject;
  type.parseValue = assertObject;
  type.parseLiteral = (node, variables) => {
    if (node.kind !== Kind.OBJECT) throw notAnObject();
    return valueFromASTUntyped(node, variables);
  };
}

function assertObject(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw notAnObject();
}

function notAnObject(): GraphQLError {
  return new GraphQLError('JSON takes an object');
}
