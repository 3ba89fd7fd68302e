/**
 * How much of the caller's account a document asks for. It is read with the session in the one statement of a request,
 * where each column costs as much as a field of the answer, and most documents ask for few of them.
 */
import {
  isObjectType,
  visit,
  BREAK,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { AccountCore, AccountExtent } from '../../users/account.js';

/** Fields of `User` that are in the core. */
const CORE: Readonly<Record<keyof AccountCore, true>> = {
  id: true,
  email: true,
  username: true,
  role: true,
  disabledAt: true,
  deletedAt: true,
};

/**
 * Tells of a document how much of the account it needs. By names alone: where another type has a field of the same name,
 * more is read than is needed. What changes something, or lasts, needs all of it.
 */
export function createExtents(
  schema: GraphQLSchema,
): (document: DocumentNode, operation: OperationDefinitionNode) => AccountExtent {
  const user = schema.getType('User');
  const names = isObjectType(user) ? Object.keys(user.getFields()) : [];
  const beyond = new Set(names.filter((name) => !Object.hasOwn(CORE, name)));
  return (document, { operation }) => {
    let extent: AccountExtent = operation === 'query' ? 'core' : 'whole';
    visit(document, {
      Field({ name }) {
        if (!beyond.has(name.value)) return undefined;
        extent = 'whole';
        return BREAK;
      },
    });
    return extent;
  };
}
