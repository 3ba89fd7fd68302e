/**
 * Automatic persisted queries, as Apollo defines them: a client sends the SHA-256 of a document in
 * `extensions.persistedQuery` in place of the document, and the document along with it when the hash is unknown.
 * https://www.apollographql.com/docs/apollo-server/performance/apq
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AppError } from '../../lib/errors.js';
import type { GraphqlParams } from '../http/request-params.js';

export interface PersistedQueries {
  /**
   * The text of a request, looked up by its hash if the request has no text.
   * @throws AppError PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED if they are disabled, QUERY_REJECTED if
   * the hash does not match the text
   */
  resolve(params: GraphqlParams): string;
  /**
   * Stores the text of a request that has a hash. Must only be called for accepted documents.
   * @param network the client's network, which may fill an eighth of the store
   */
  store(params: GraphqlParams, network: string): void;
}

/** Twice the text of a typical operation. */
const BYTES_PER_ENTRY = 4096;
/** The hash and the cache entry. */
const BYTES_OF_ENTRY = 256;
/** A network above its share evicts its own documents. */
const SHARE_OF_A_NETWORK = 1 / 8;

interface Stored {
  readonly text: string;
  readonly network: string;
}

/** @param entries the number of stored documents; together they take at most 4 KiB times this */
export function createPersistedQueries(entries: number, isEnabled: boolean): PersistedQueries {
  /** The hashes stored by each network, oldest first. */
  const byNetwork = new Map<string, Set<string>>();
  const cache = new LRUCache<string, Stored>({
    max: entries,
    maxSize: entries * BYTES_PER_ENTRY,
    sizeCalculation: ({ text }) => BYTES_OF_ENTRY + 2 * text.length,
    dispose({ network }, hash) {
      const hashes = byNetwork.get(network);
      hashes?.delete(hash);
      if (hashes?.size === 0) byNetwork.delete(network);
    },
  });
  const maxOfNetwork = Math.max(1, Math.floor(entries * SHARE_OF_A_NETWORK));

  return {
    resolve({ query, hash }) {
      if (query !== undefined) {
        if (hash !== undefined && isEnabled && sha256(query) !== hash)
          throw new AppError('QUERY_REJECTED', 'extensions.persistedQuery.sha256Hash is not the hash of the query.');
        return query;
      }
      if (!isEnabled) throw new AppError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');
      const stored = hash === undefined ? undefined : cache.get(hash);
      if (!stored) throw new AppError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
      return stored.text;
    },

    store({ query, hash }, network) {
      if (!isEnabled || query === undefined || hash === undefined || cache.has(hash)) return;
      const [oldest] = (byNetwork.get(network)?.size ?? 0) < maxOfNetwork ? [] : byNetwork.get(network)!;
      if (oldest !== undefined) cache.delete(oldest);
      cache.set(hash, { text: query, network });
      // A text that is larger than the store is not kept.
      if (!cache.has(hash)) return;
      const hashes = byNetwork.get(network);
      if (hashes) hashes.add(hash);
      else byNetwork.set(network, new Set([hash]));
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
