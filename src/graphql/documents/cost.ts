/**
 * Computes the largest number of rows that an operation can read, before it is executed. A field with the argument `first`
 * multiplies everything below it by that number. `@skip` and `@include` are ignored.
 */
import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { AppError } from '../../lib/errors.js';

/** The cost of an operation with the variables of a request. */
export type Cost = (variables: Readonly<Record<string, unknown>>) => number;

/** The largest page; resolvers refuse more. */
const MAX_PAGE = 100;
/** Measured: so many rows take up to ten times a request for `me`. A list of own sessions stays one request. */
const ROWS_PER_REQUEST = 200;

/** Creates the cost function of a schema, for validated documents within the limits. */
export function createCosts(schema: GraphQLSchema) {
  return (document: DocumentNode, operation: OperationDefinitionNode): Cost => {
    const fragments = new Map<string, FragmentDefinitionNode>();
    for (const node of document.definitions)
      if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
    const root = schema.getRootType(operation.operation);
    let readsVariables = false as boolean; // Set by the calls below, which the compiler does not follow.

    function ofSelections(
      set: SelectionSetNode | undefined,
      type: GraphQLNamedType | null | undefined,
      variables: Readonly<Record<string, unknown>>,
    ): number {
      let cost = 0;
      for (const selection of set?.selections ?? []) {
        if (selection.kind === Kind.FIELD) cost += ofField(selection, type, variables);
        else {
          const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)!;
          const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
          cost += ofSelections(fragment.selectionSet, condition ?? type, variables);
        }
      }
      return cost;
    }

    function ofField(
      node: FieldNode,
      type: GraphQLNamedType | null | undefined,
      variables: Readonly<Record<string, unknown>>,
    ): number {
      const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined;
      const below = field && getNamedType(field.type);
      const nested = isCompositeType(below) ? ofSelections(node.selectionSet, below, variables) : 0;
      const size = field && pageOf(node, field, variables);
      if (size !== undefined) return size * (1 + nested);
      return (type === root ? 1 : 0) + nested;
    }

    /** The value of the argument `first`; undefined if the field has none. */
    function pageOf(
      node: FieldNode,
      field: GraphQLField<unknown, unknown>,
      variables: Readonly<Record<string, unknown>>,
    ): number | undefined {
      const argument = field.args.find(({ name }) => name === 'first');
      if (!argument) return undefined;
      const value = node.arguments?.find(({ name }) => name.value === 'first')?.value;
      let first: unknown = argument.defaultValue;
      if (value?.kind === Kind.INT) first = Number(value.value);
      if (value?.kind === Kind.VARIABLE) {
        readsVariables = true;
        const given = variables[value.name.value];
        // An omitted variable may have a default.
        first = given === undefined ? MAX_PAGE : given;
      }
      return typeof first === 'number' && first >= 1 && first <= MAX_PAGE ? first : MAX_PAGE;
    }

    const constant = ofSelections(operation.selectionSet, root, {});
    return readsVariables ? (variables) => ofSelections(operation.selectionSet, root, variables) : () => constant;
  };
}

/** Returns the cost. @throws AppError QUERY_REJECTED above the limit */
export function assertAffordable(cost: number, maxCost: number): number {
  if (cost <= maxCost) return cost;
  throw new AppError('QUERY_REJECTED', `The document could read ${cost} rows; the limit is ${maxCost}.`);
}

/** The requests that a cost counts as, besides the one that asks for it. */
export function requestsOf(cost: number): number {
  return Math.floor(cost / ROWS_PER_REQUEST);
}
