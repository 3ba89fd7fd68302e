/**
 * A rule that graphql-js 16 lacks: the root field of a subscription may not depend on `@skip` or `@include` (GraphQL, draft
 * of 2025, section 5.2.4.1). Without the field graphql-js fails with an internal error.
 */
import {
  GraphQLError,
  Kind,
  type ASTVisitor,
  type SelectionSetNode,
  type SelectionNode,
  type ValidationContext,
} from 'graphql';

const CONDITIONAL = new Set(['skip', 'include']);

/** A rule for graphql-js's `validate`. */
export function unconditionalSubscriptions(context: ValidationContext): ASTVisitor {
  /** Root selections including those of fragments, each visited once. */
  function* atRoot({ selections }: SelectionSetNode, seen: Set<string>): Generator<SelectionNode> {
    for (const selection of selections) {
      yield selection;
      if (selection.kind === Kind.INLINE_FRAGMENT) yield* atRoot(selection.selectionSet, seen);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue;
      seen.add(selection.name.value);
      const fragment = context.getFragment(selection.name.value);
      if (fragment) yield* atRoot(fragment.selectionSet, seen);
    }
  }

  return {
    OperationDefinition({ operation, selectionSet }) {
      if (operation !== 'subscription') return;
      for (const { directives = [] } of atRoot(selectionSet, new Set())) {
        const conditional = directives.find(({ name }) => CONDITIONAL.has(name.value));
        if (!conditional) continue;
        const message = `The root of a subscription may not depend on @${conditional.name.value}.`;
        context.reportError(new GraphQLError(message, { nodes: conditional }));
      }
    },
  };
}
