/** Which mutations are attempts at credentials, as the schema marks them. */
import type { GraphQLSchema } from 'graphql';

/** The mutations that carry `@oneCredentialAttempt`: a document executes at most one of them. */
export function credentialFieldsOf(schema: GraphQLSchema): ReadonlySet<string> {
  const fields = Object.values(schema.getMutationType()?.getFields() ?? {});
  const carries = fields.filter(({ astNode }) =>
    astNode?.directives?.some(({ name }) => name.value === 'oneCredentialAttempt'),
  );
  return new Set(carries.map(({ name }) => name));
}
