/** Validates documents (GraphQL section 5). Suggestions of names can be removed from the errors. */
import {
  NoSchemaIntrospectionCustomRule,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import { documentError, translateDocumentError, type DocumentError, type TranslatedError } from '../error-format.js';
import { unconditionalSubscriptions } from './unconditional-subscriptions.js';

export interface ValidationOptions {
  /** Whether `__schema` and `__type` may be queried; `__typename` always may. */
  readonly introspection: boolean;
  /** Whether errors may suggest names from the schema. */
  readonly suggestions: boolean;
}

/** A document with errors of syntax or validation. */
export class RejectedDocument extends Error {
  override readonly name = 'RejectedDocument';
  /** @param reasons without references to the document, so that they are cheap to cache */
  constructor(readonly reasons: readonly DocumentError[]) {
    super('The document was rejected');
  }

  get errors(): readonly TranslatedError[] {
    return this.reasons.map(translateDocumentError);
  }
}

/** Enough for a person. Each error costs time and space: its suggestions compare a name with all names of the schema. */
const MAX_ERRORS = 3;

/** Creates the validator of a schema. It throws RejectedDocument. */
export function createValidator(schema: GraphQLSchema, { introspection, suggestions }: ValidationOptions) {
  const rules = [
    ...specifiedRules,
    unconditionalSubscriptions,
    ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];
  const options = { maxErrors: MAX_ERRORS, hideSuggestions: !suggestions };
  return (document: DocumentNode): void => {
    const errors = validate(schema, document, rules, options);
    if (errors.length > 0) throw new RejectedDocument(errors.map(documentError));
  };
}
