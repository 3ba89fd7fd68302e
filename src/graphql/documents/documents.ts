/**
 * Turns a text into a document that can be executed: parses it, selects the operation, measures, validates and remembers
 * it. mercurius gets the document instead of the text, because it would accept a JSON syntax tree as a text, share a
 * cache entry between the operations of one text, and remember refused documents among the good ones.
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
  /** The same object for the same text and operation, so that caches can go by identity. */
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /**
   * Counts the rows that the operation could read with the variables of a request.
   * @throws AppError QUERY_REJECTED when they are more than a document may read
   */
  costOf(variables: Readonly<Record<string, unknown>>): number;
}

export interface DocumentOptions extends DocumentLimits, ValidationOptions {
  readonly schema: GraphQLSchema;
  /** In characters. */
  readonly maxLength: number;
  /** Nodes of the syntax tree, all operations and fragments included: what validation takes its time for. */
  readonly maxNodes: number;
  /** How many documents are remembered; together they take no more than 32 KiB times this. */
  readonly cacheEntries: number;
  readonly credentialFields: ReadonlySet<string>;
  /** Rows that one operation may read. */
  readonly maxCost: number;
  /** Called when as much was forgotten as can be remembered: caches by identity should drop what they hold. */
  onTurnover?(): void;
}

/**
 * Prepares a document.
 * @param spend called with the work that a document took which was not remembered, in requests as `me`: 1 to 10
 * @throws AppError QUERY_REJECTED over a limit, or without the operation
 * @throws RejectedDocument with every error of syntax or validation
 */
export type PrepareDocument = (
  source: string,
  operationName: string | undefined,
  spend?: (requests: number) => void,
) => PreparedDocument;

/** A client's operation takes about half of this. */
const CACHED_BYTES_PER_ENTRY = 32_768;
/** Measured: a node with its location takes up to 200 bytes, and mercurius keeps a copy. */
const BYTES_PER_NODE = 400;
/** Two bytes a character, in the document's source and in the cache's key, and again in the copy. */
const BYTES_PER_CHARACTER = 6;
/** GraphQL section 2.1.9; also keeps a cache key from being read in two ways. */
const NAME = /^[A-Za-z_]\w*$/;
/** Measured: this much of a document takes about the time of a request for `me`. */
const CHARACTERS_PER_REQUEST = 2000;
const NODES_PER_REQUEST = 100;
const MAX_REQUESTS = 10;

interface Remembered extends PreparedDocument {
  readonly bytes: number;
}

/** Creates the only way in for documents. Refused ones are remembered apart, so they cannot push out good ones. */
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

  /** @param onNodes called with the size of a document that parses, before it is validated */
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

/** The parser and some of the rules recurse: what exhausts the stack is a document too deep, not a fault of ours. */
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
