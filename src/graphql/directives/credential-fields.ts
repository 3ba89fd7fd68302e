/** Reads `@oneCredentialAttempt` from the schema. */
import type { GraphQLSchema } from 'graphql';

/** The names of the mutations with `@oneCredentialAttempt`. */
export function credentialFieldsOf(schema: GraphQLSchema): ReadonlySet<string> {
  const fields = Object.values(schema.getMutationType()?.getFields() ?? {});
  const carries = fields.filter(({ astNode }) =>
    astNode?.directives?.some(({ name }) => name.value === 'oneCredentialAttempt'),
  );
  return new Set(carries.map(({ name }) => name));
}
