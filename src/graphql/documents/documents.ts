/**
 * Prepares documents for execution: parses, selects the operation, applies the limits, validates and caches. mercurius gets the
 * document and not the text, because it accepts a JSON syntax tree as a text, shares a cache entry between the operations of a
 * text, and caches refused documents with accepted ones.
 */
import { createHash } from 'node:crypto';
import {
  getOperationAST,
  GraphQLError,
  parse,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { AppError } from '../../lib/errors.js';
import { assertAffordable, createCosts } from './cost.js';
import { detachDocument } from './detach.js';
import { documentError } from '../error-format.js';
import { assertWithinLimits, type DocumentLimits } from './limits.js';
import { createRefusals } from './refusals.js';
import { createValidator, RejectedDocument, type ValidationOptions } from './validation.js';

export interface PreparedDocument {
  /** The same object for the same text and operation, so that it can be a cache key. */
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /**
   * The largest number of rows that the operation can read with the variables of a request.
   * @throws AppError QUERY_REJECTED above the limit
   */
  costOf(variables: Readonly<Record<string, unknown>>): number;
}

export interface DocumentOptions extends DocumentLimits, ValidationOptions {
  readonly schema: GraphQLSchema;
  /** In characters. */
  readonly maxLength: number;
  /** Nodes of the syntax tree, including all operations and fragments. They determine the time of validation. */
  readonly maxNodes: number;
  /** The number of cached documents; together they take at most 32 KiB times this. */
  readonly cacheEntries: number;
  readonly credentialFields: ReadonlySet<string>;
  /** The most rows that one operation may read. */
  readonly maxCost: number;
  /** Called after a full turnover of the cache, so that caches keyed by document can be emptied. */
  onTurnover?(): void;
}

/**
 * Prepares a document.
 * @param spend called with the work of a document that was not cached, in equivalents of a `me` request: 1 to 10
 * @throws AppError QUERY_REJECTED above a limit, or if the operation is missing
 * @throws RejectedDocument with every error of syntax or validation
 */
export type PrepareDocument = (
  source: string,
  operationName: string | undefined,
  spend?: (requests: number) => void,
) => PreparedDocument;

/** About twice the size of a typical operation. */
const CACHED_BYTES_PER_ENTRY = 32_768;
/** Measured: a node with its location takes up to 200 bytes, and mercurius keeps a copy. */
const BYTES_PER_NODE = 400;
/** Two bytes per character, in the source, in the cache key and in mercurius's copy. */
const BYTES_PER_CHARACTER = 6;
/** GraphQL section 2.1.9. Also makes cache keys unambiguous. */
const NAME = /^[A-Za-z_]\w*$/;
/** Measured: this much of a document takes about the time of a request for `me`. */
const CHARACTERS_PER_REQUEST = 2000;
const NODES_PER_REQUEST = 100;
const MAX_REQUESTS = 10;

interface Remembered extends PreparedDocument {
  readonly bytes: number;
}

/** Creates the preparation of a schema. Refused documents are cached separately, so that they cannot evict accepted ones. */
export function createDocuments(options: DocumentOptions): PrepareDocument {
  const { schema, maxLength, maxTokens, maxNodes, cacheEntries, credentialFields, onTurnover } = options;
  const validate = createValidator(schema, options);
  const costs = createCosts(schema);
  const refusals = createRefusals(cacheEntries);
  const maxSize = cacheEntries * CACHED_BYTES_PER_ENTRY;
  let forgottenBytes = 0;
  const cache = new LRUCache<string, Remembered>({
    max: cacheEntries,
    maxSize,
    sizeCalculation: ({ bytes }) => bytes,
    dispose({ bytes }) {
      forgottenBytes += bytes;
      if (forgottenBytes < maxSize) return;
      forgottenBytes = 0;
      onTurnover?.();
    },
  });

  /** @param onNodes called with the number of nodes before validation */
  function prepare(source: string, operationName: string | undefined, onNodes: (nodes: number) => void): Remembered {
    const document = parse(source, { maxTokens });
    const nodes = detachDocument(document, source);
    onNodes(nodes);
    if (nodes > maxNodes)
      throw new AppError('QUERY_REJECTED', `The document is over the limit of ${maxNodes} nodes of its syntax tree.`);
    const operation = getOperationAST(document, operationName);
    if (!operation)
      throw new AppError('QUERY_REJECTED', 'The operation to execute is not named, or not in the document.');
    assertWithinLimits(document, operation, options, credentialFields);
    validate(document);
    const bytes = nodes * BYTES_PER_NODE + source.length * BYTES_PER_CHARACTER;
    const cost = costs(document, operation);
    const costOf: PreparedDocument['costOf'] = (variables) => assertAffordable(cost(variables), options.maxCost);
    return { document, operation, costOf, bytes };
  }

  return (source, operationName, spend) => {
    if (source.length > maxLength)
      throw new AppError('QUERY_REJECTED', `The document is over ${maxLength} characters.`);
    if (operationName !== undefined && !NAME.test(operationName))
      throw new AppError('QUERY_REJECTED', 'operationName is not a name.');
    const key = `${operationName ?? ''}\n${source}`;
    const known = cache.get(key);
    if (known) return known;
    const digest = createHash('sha256').update(key).digest('base64');
    refusals.rethrow(digest);
    let nodes = 0;
    try {
      const prepared = withinStack(() => prepare(source, operationName, (found) => (nodes = found)));
      cache.set(key, prepared);
      return prepared;
    } catch (error) {
      refusals.remember(digest, error);
      throw error;
    } finally {
      const requests = Math.floor(source.length / CHARACTERS_PER_REQUEST + nodes / NODES_PER_REQUEST);
      if (requests > 0) spend?.(Math.min(requests, MAX_REQUESTS));
    }
  };
}

/** The parser and some rules recurse: a document that exhausts the stack is too deep, which is the client's error. */
function withinStack<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphQLError) throw new RejectedDocument([documentError(error)]);
    if (error instanceof RangeError)
      throw new AppError('QUERY_REJECTED', 'The document is nested too deeply.', {}, error);
    throw error;
  }
}
