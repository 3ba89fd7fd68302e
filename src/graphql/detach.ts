/** Makes a parsed document cheap to keep and to copy. */
import { visit, type ASTNode, type DocumentNode } from 'graphql';
import { AppError } from '../errors.js';

/** In steps of the syntax tree, of which a level of fields takes three: room for every depth that can be configured. */
const MAX_NESTING = 400;

/**
 * Cuts every node loose from the parser's tokens, and counts the nodes. A location holds on to its tokens and each
 * token to its neighbours: `structuredClone`, by which mercurius copies a document, follows that chain to the end and
 * runs out of stack at some 2,400 tokens. What is left, where a node begins and ends, is all that errors need.
 * @throws AppError QUERY_REJECTED when selections, values or types are nested so deep that recursion would be unsafe
 */
export function detachDocument(document: DocumentNode): number {
  let nodes = 0;
  visit(document, {
    enter(node: ASTNode, _key, _parent, _path, ancestors) {
      if (ancestors.length > MAX_NESTING) throw new AppError('QUERY_REJECTED', 'The document is nested too deeply.');
      nodes += 1;
      if (!node.loc) return;
      const { start, end, source } = node.loc;
      Object.assign(node, { loc: { start, end, source } });
    },
  });
  return nodes;
}
