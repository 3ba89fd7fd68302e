/**
 * From text to a document fit to execute: parsed, its operation chosen, measured, validated, remembered. mercurius
 * gets the document and not the text: that keeps it from taking a JSON syntax tree for a query, from mixing up the
 * operations of one text, and from remembering documents that were refused.
 */
import {
  getOperationAST,
  GraphQLError,
  parse,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { AccountExtent } from '../accounts/account.js';
import { AppError } from '../errors.js';
import { createExtents } from './account-extent.js';
import { detachDocument } from './detach.js';
import { assertWithinLimits, type DocumentLimits } from './limits.js';
import { createValidator, RejectedDocument, type ValidationOptions } from './validation.js';

export interface PreparedDocument {
  /** The same object for the same text and operation, so that caches may go by identity. */
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** How much of the caller's account is to be read for it. */
  readonly extent: AccountExtent;
}

export interface DocumentOptions extends DocumentLimits, ValidationOptions {
  readonly schema: GraphQLSchema;
  /** In characters. */
  readonly maxLength: number;
  /** How many documents are remembered; together they take no more than 32 KiB times this. */
  readonly cacheEntries: number;
  readonly credentialFields: ReadonlySet<string>;
  /** Called whenever as much has been forgotten as may be remembered: caches by identity should drop what they hold. */
  onTurnover?(): void;
}

/**
 * Prepares a document.
 * @throws AppError QUERY_REJECTED over a limit, or without the operation
 * @throws RejectedDocument with every fault of syntax or validation
 */
export type PrepareDocument = (source: string, operationName: string | undefined) => PreparedDocument;

/** An operation of a client takes about half of this. */
const CACHED_BYTES_PER_ENTRY = 32_768;
/** Measured: a node with its location takes up to 200 bytes, and mercurius keeps a copy. */
const BYTES_PER_NODE = 400;
/** Two bytes a character, in the document's source and in the cache's key, and again in the copy. */
const BYTES_PER_CHARACTER = 6;
/** GraphQL section 2.1.9; also keeps a cache key from being read in two ways. */
const NAME = /^[A-Za-z_]\w*$/;

interface Remembered extends PreparedDocument {
  readonly bytes: number;
}

/** Creates the one way in for documents. Refused ones are not remembered, so they cannot push out good ones. */
export function createDocuments(options: DocumentOptions): PrepareDocument {
  const { schema, maxLength, maxTokens, cacheEntries, credentialFields, onTurnover } = options;
  const validate = createValidator(schema, options);
  const extentOf = createExtents(schema);
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

  function prepare(source: string, operationName: string | undefined): Remembered {
    const document = parse(source, { maxTokens });
    const nodes = detachDocument(document);
    const operation = getOperationAST(document, operationName);
    if (!operation)
      throw new AppError('QUERY_REJECTED', 'The operation to execute is not named, or not in the document.');
    assertWithinLimits(document, operation, options, credentialFields);
    validate(document);
    const bytes = nodes * BYTES_PER_NODE + source.length * BYTES_PER_CHARACTER;
    return { document, operation, extent: extentOf(document, operation), bytes };
  }

  return (source, operationName) => {
    if (source.length > maxLength)
      throw new AppError('QUERY_REJECTED', `The document is over ${maxLength} characters.`);
    if (operationName !== undefined && !NAME.test(operationName))
      throw new AppError('QUERY_REJECTED', 'operationName is not a name.');
    const key = `${operationName ?? ''}\n${source}`;
    const known = cache.get(key);
    if (known) return known;
    const prepared = withinStack(() => prepare(source, operationName));
    cache.set(key, prepared);
    return prepared;
  };
}

/** The parser and some of the rules recurse: what exhausts the stack is a document too deep, not a fault of ours. */
function withinStack<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphQLError) throw new RejectedDocument([error]);
    if (error instanceof RangeError)
      throw new AppError('QUERY_REJECTED', 'The document is nested too deeply.', {}, error);
    throw error;
  }
}
