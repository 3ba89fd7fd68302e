/** The rules of GraphQL that a document must keep, with no more told about the schema than is wanted. */
import {
  NoSchemaIntrospectionCustomRule,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import { unconditionalSubscriptions } from './unconditional-subscriptions.js';

export interface ValidationOptions {
  /** Whether `__schema` and `__type` may be asked for; `__typename` always may. */
  readonly introspection: boolean;
  /** Whether errors may suggest names of the schema. */
  readonly suggestions: boolean;
}

/** A document with faults of syntax or validation: the client's doing, all of them told. */
export class RejectedDocument extends Error {
  override readonly name = 'RejectedDocument';
  constructor(readonly errors: readonly GraphQLError[]) {
    super('The document was rejected');
  }
}

/** As many as help a person; each costs time and space. */
const MAX_ERRORS = 20;

/** Creates the check of one schema. The check @throws RejectedDocument */
export function createValidator(schema: GraphQLSchema, { introspection, suggestions }: ValidationOptions) {
  const rules = [
    ...specifiedRules,
    unconditionalSubscriptions,
    ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];
  const options = { maxErrors: MAX_ERRORS, hideSuggestions: !suggestions };
  return (document: DocumentNode): void => {
    const errors = validate(schema, document, rules, options);
    if (errors.length > 0) throw new RejectedDocument(errors);
  };
}
