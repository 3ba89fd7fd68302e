/**
 * Lists the errors in the variables of a request without their values, which graphql-js quotes and which may be passwords. Runs only
 * after execution has refused the variables.
 */
import {
  coerceInputValue,
  getNamedType,
  isInputObjectType,
  isInputType,
  isNonNullType,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { FieldError } from '../../lib/errors.js';

type Path = readonly (string | number)[];

/** The limit of graphql-js. */
const MAX_ERRORS = 50;
/** The part of graphql-js's message without the value. */
const MISSING = /^Field "(\w+)" of required type /;
const UNKNOWN = /^Field "([^]*)" is not defined by type /;
const NULL = /^Expected non-nullable type |^Field "\w+" must be non-null/;
const NOT_AN_OBJECT = /^Expected type "\w+" to be an object/;
const NOT_ONE_KEY = /^Exactly one key /;

/** Up to 50 errors; `field` is the path inside the variable, or the name of the variable. */
export function variableErrors(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const definition of operation.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    // Validation guarantees an input type.
    if (!isInputType(type)) continue;
    if (!Object.hasOwn(variables, name)) {
      if (isNonNullType(type) && !definition.defaultValue) errors.push({ field: name, message: 'is required' });
      continue;
    }
    coerceInputValue(variables[name], type, (path, _value, { message }) => {
      if (errors.length < MAX_ERRORS) errors.push(errorAt(name, path, type, message));
    });
  }
  return errors;
}

function errorAt(variable: string, path: Path, type: GraphQLInputType, said: string): FieldError {
  const key = (MISSING.exec(said) ?? UNKNOWN.exec(said))?.[1];
  const field = (key === undefined ? path : [...path, key]).join('.') || variable;
  return { field, message: wording(said) ?? `is not a valid ${typeAt(type, path)}` };
}

function wording(said: string): string | undefined {
  if (MISSING.test(said)) return 'is required';
  if (UNKNOWN.test(said)) return 'is not known';
  if (NULL.test(said)) return 'must not be null';
  if (NOT_AN_OBJECT.test(said)) return 'must be an object';
  if (NOT_ONE_KEY.test(said)) return 'must have exactly one key';
  return undefined;
}

/** The name of the type at a path; list indexes are skipped. */
function typeAt(type: GraphQLInputType, path: Path): string {
  const target = path.reduce((found: ReturnType<typeof getNamedType>, key) => {
    const next = isInputObjectType(found) ? found.getFields()[key] : undefined;
    return next ? getNamedType(next.type) : found;
  }, getNamedType(type));
  return String(target);
}
