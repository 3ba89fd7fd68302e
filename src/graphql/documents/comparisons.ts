/**
 * Counts the work of the rule "Field Selection Merging" (GraphQL section 5.3.2) before validation runs it, in time linear in the
 * fields. The rule compares every two fields with the same response name in one selection: quadratic in the repetitions.
 */
import { Kind, type DocumentNode, type FieldNode, type FragmentDefinitionNode, type SelectionSetNode } from 'graphql';

export interface Comparisons {
  /** Fields after flattening, over all operations. */
  readonly fields: number;
  /** The most fields that share a response name in one selection. */
  readonly repetitions: number;
  /** Pairs of fields, and of spreads and fragments, that the rule compares. */
  readonly pairs: number;
}

/** Measured: comparing a spread with a fragment takes as much as so many pairs of fields. */
const SPREAD_WORK = 5;

/**
 * Counts the comparisons that validation would make.
 * @param maxFields where counting stops, because fragments multiply fields
 */
export function countComparisons(document: DocumentNode, maxFields: number): Comparisons {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const reached = new Set<string>();
  let fields = 0;
  let spreads = 0;
  let repetitions = 0;
  let pairs = 0;

  /**
   * Adds the fields of a selection, by response name; fragments count as often as they are spread.
   * @param within the fragments that the selection is in; validation reports a cycle later
   */
  function collect(set: SelectionSetNode, byName: Map<string, FieldNode[]>, within: Set<string>): void {
    for (const selection of set.selections) {
      if (fields + spreads > maxFields) return;
      if (selection.kind === Kind.FIELD) {
        fields += 1;
        const name = (selection.alias ?? selection.name).value;
        const same = byName.get(name);
        if (same) same.push(selection);
        else byName.set(name, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet, byName, within);
      } else {
        spreads += 1;
        const name = selection.name.value;
        const fragment = fragments.get(name);
        reached.add(name);
        if (!fragment || within.has(name)) continue;
        within.add(name);
        collect(fragment.selectionSet, byName, within);
        within.delete(name);
      }
    }
  }

  function compare(sets: readonly SelectionSetNode[]): void {
    const byName = new Map<string, FieldNode[]>();
    for (const set of sets) collect(set, byName, new Set());
    for (const same of byName.values()) {
      repetitions = Math.max(repetitions, same.length);
      const nested = same.flatMap(({ selectionSet }) => selectionSet ?? []);
      // Two fields with selections also compare the response names of both selections.
      const names = nested.reduce((most, { selections }) => Math.max(most, selections.length), 0);
      pairs += ((same.length * (same.length - 1)) / 2) * (1 + names);
      if (nested.length > 0) compare(nested);
    }
  }

  for (const node of document.definitions) if (node.kind === Kind.OPERATION_DEFINITION) compare([node.selectionSet]);
  // Validation also compares unused fragments, and spreads of fragments that do not exist.
  for (const [name, { selectionSet }] of fragments) {
    if (reached.has(name)) continue;
    reached.add(name);
    compare([selectionSet]);
  }
  return { fields: fields + spreads, repetitions, pairs: pairs + SPREAD_WORK * reached.size * spreads };
}
