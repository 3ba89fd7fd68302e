/** Makes parsed documents cheap to cache, to copy and to report errors on. */
import { GraphQLError, visit, type ASTNode, type DocumentNode } from 'graphql';
import { AppError } from '../../lib/errors.js';

/** In levels of the syntax tree, three per level of fields: enough for every depth that can be configured. */
const MAX_NESTING = 400;
/** The end of a line (GraphQL section 2.1.2). */
const LINE_END = /\r\n|[\n\r]/g;
/** Locations of one error; a conflict between fields can name hundreds of nodes. */
const MAX_LOCATIONS = 10;

/**
 * Replaces the text of a document in the locations of its nodes. graphql-js searches the text from its beginning
 * for every node of every error; with an empty text it reports line 1 and the offset as the column at once.
 */
interface CompactSource {
  readonly body: '';
  readonly name: string;
  readonly locationOffset: { readonly line: 1; readonly column: 1 };
  readonly text: string;
}

/**
 * Detaches every node from the parser's tokens and counts the nodes. A location keeps a chain of all tokens alive, and
 * `structuredClone`, with which mercurius copies a document, overflows the stack on it at some 2,400 tokens.
 * @param text the source of the document
 * @throws AppError QUERY_REJECTED if selections, values or types are nested too deep for recursion
 */
export function detachDocument(document: DocumentNode, text: string): number {
  const source: CompactSource = {
    body: '',
    name: 'GraphQL request',
    locationOffset: { line: 1, column: 1 },
    text,
  };
  let nodes = 0;
  visit(document, {
    enter(node: ASTNode, _key, _parent, _path, ancestors) {
      if (ancestors.length > MAX_NESTING) throw new AppError('QUERY_REJECTED', 'The document is nested too deeply.');
      nodes += 1;
      if (!node.loc) return;
      const { start, end } = node.loc;
      Object.assign(node, { loc: { start, end, source } });
    },
  });
  return nodes;
}

/** The first ten lines and columns of an error on a detached document, or of a syntax error. */
export function locationsOf({ locations, source }: GraphQLError): GraphQLError['locations'] {
  if (!source || !isCompact(source)) return locations;
  const lineStarts = lineStartsOf(source);
  return locations?.slice(0, MAX_LOCATIONS).map(({ column }) => {
    const offset = column - 1;
    const line = lineOf(lineStarts, offset);
    return { line: line + 1, column: offset - lineStarts[line]! + 1 };
  });
}

function isCompact(source: object): source is CompactSource {
  return 'text' in source;
}

/** The lines of a text, computed once for all errors of a document. */
const known = new WeakMap<CompactSource, readonly number[]>();

/** The offset of each line's first character. */
function lineStartsOf(source: CompactSource): readonly number[] {
  const found = known.get(source);
  if (found) return found;
  const starts = [0];
  for (const { index, 0: end } of source.text.matchAll(LINE_END)) starts.push(index + end.length);
  known.set(source, starts);
  return starts;
}

/** The last line that starts at or before an offset. */
function lineOf(lineStarts: readonly number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (lineStarts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
