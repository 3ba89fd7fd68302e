/**
 * Measures an operation with its fragments flattened. Each fragment is measured once, so the work is linear in the document. Runs
 * before validation, because not all of its rules are linear.
 */
import {
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { AppError } from '../../lib/errors.js';
import { countComparisons } from './comparisons.js';

/** The limits of one operation. */
export interface DocumentLimits {
  readonly maxDepth: number;
  readonly maxAliases: number;
  readonly maxDirectives: number;
  /** Tokens of the text, and fields after flattening: fragments may request no more than could be written out. */
  readonly maxTokens: number;
  /** Fields with one response name in one selection, including fragments. */
  readonly maxRepetitions: number;
}

interface Measure {
  readonly depth: number;
  readonly introspectionDepth: number;
  readonly fields: number;
  readonly aliases: number;
  readonly directives: number;
  /** Credential fields among the root fields. */
  readonly credentials: number;
}

/** The standard introspection query has a depth of 15. */
const MAX_INTROSPECTION_DEPTH = 20;
/** Fields of all operations per allowed token: validation also checks operations that are not executed. */
const FIELDS_PER_TOKEN = 2;
/** Comparisons of fields and fragments per allowed token; typical documents need a tenth. */
const PAIRS_PER_TOKEN = 4;
const NOTHING: Measure = { depth: 0, introspectionDepth: 0, fields: 0, aliases: 0, directives: 0, credentials: 0 };

/**
 * Refuses an operation above a limit.
 * @param credentialFields mutations with `@oneCredentialAttempt`, of which a document may execute one
 * @throws AppError QUERY_REJECTED
 */
export function assertWithinLimits(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  limits: DocumentLimits,
  credentialFields: ReadonlySet<string>,
): void {
  const measured = measure(document, operation, credentialFields);
  assertWithin([
    [measured.depth, limits.maxDepth, 'levels of fields'],
    [measured.introspectionDepth, MAX_INTROSPECTION_DEPTH, 'levels of introspection'],
    [measured.fields, limits.maxTokens, 'fields, fragments included'],
    [measured.aliases, limits.maxAliases, 'aliases'],
    [measured.directives, limits.maxDirectives, 'directives'],
    [measured.credentials, 1, 'mutation that proves or renews credentials'],
  ]);
  const maxFields = FIELDS_PER_TOKEN * limits.maxTokens;
  const { fields, repetitions, pairs } = countComparisons(document, maxFields);
  assertWithin([
    [repetitions, limits.maxRepetitions, 'fields with the same response name in one place'],
    [fields, maxFields, 'fields and spreads, all operations and fragments included'],
    [pairs, PAIRS_PER_TOKEN * limits.maxTokens, 'comparisons of fields and fragments'],
  ]);
}

function assertWithin(bounds: readonly (readonly [found: number, max: number, what: string])[]): void {
  for (const [found, max, what] of bounds) {
    if (found > max) throw new AppError('QUERY_REJECTED', `The document is over the limit of ${max} ${what}.`);
  }
}

function measure(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  credentialFields: ReadonlySet<string>,
): Measure {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const measured = new Map<string, Measure>();
  const mutates = operation.operation === 'mutation';

  function ofFragment(name: string): Measure {
    const known = measured.get(name);
    const fragment = fragments.get(name);
    if (known || !fragment) return known ?? NOTHING;
    // Stops at cycles, which validation refuses.
    measured.set(name, NOTHING);
    const result = plusDirectives(ofSelections(fragment.selectionSet), fragment);
    measured.set(name, result);
    return result;
  }

  function ofSelections(set: SelectionSetNode | undefined): Measure {
    return (set?.selections ?? []).map(ofSelection).reduce(join, NOTHING);
  }

  function ofSelection(node: SelectionSetNode['selections'][number]): Measure {
    if (node.kind === Kind.FRAGMENT_SPREAD) return plusDirectives(ofFragment(node.name.value), node);
    const inner = plusDirectives(ofSelections(node.selectionSet), node);
    if (node.kind === Kind.INLINE_FRAGMENT) return inner;
    const introspects = node.name.value === '__schema' || node.name.value === '__type';
    return {
      depth: introspects ? 1 : inner.depth + 1,
      introspectionDepth: introspects ? inner.depth + 1 : inner.introspectionDepth,
      fields: inner.fields + 1,
      aliases: inner.aliases + (node.alias ? 1 : 0),
      directives: inner.directives,
      credentials: mutates && credentialFields.has(node.name.value) ? 1 : 0,
    };
  }

  const whole = plusDirectives(ofSelections(operation.selectionSet), operation);
  return (operation.variableDefinitions ?? []).reduce(plusDirectives, whole);
}

function plusDirectives(
  inner: Measure,
  { directives = [] }: { readonly directives?: readonly unknown[] | undefined },
): Measure {
  return directives.length === 0 ? inner : { ...inner, directives: inner.directives + directives.length };
}

function join(a: Measure, b: Measure): Measure {
  return {
    depth: Math.max(a.depth, b.depth),
    introspectionDepth: Math.max(a.introspectionDepth, b.introspectionDepth),
    fields: a.fields + b.fields,
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives,
    credentials: a.credentials + b.credentials,
  };
}
