/** Caches refused documents, so that repeating one costs a lookup and no validation. */
import { LRUCache } from 'lru-cache';
import { AppError } from '../../lib/errors.js';
import type { DocumentError } from '../error-format.js';
import { RejectedDocument } from './validation.js';

export interface Refusals {
  /** @throws AppError or RejectedDocument if the refusal is cached */
  rethrow(digest: string): void;
  /** Caches a refusal; ignores other errors. */
  remember(digest: string, error: unknown): void;
}

const BYTES_PER_ENTRY = 4096;
/** Measured: key, cache entry and objects. */
const BYTES_PER_REFUSAL = 512;
const BYTES_PER_LOCATION = 64;

/** A message or the errors of a document. Error objects would keep their stacks alive. */
type Refusal = string | readonly DocumentError[];

/** @param entries the number of cached refusals; together they take at most 4 KiB times this */
export function createRefusals(entries: number): Refusals {
  const cache = new LRUCache<string, Refusal>({
    max: entries,
    maxSize: entries * BYTES_PER_ENTRY,
    sizeCalculation: bytesOf,
  });
  return {
    rethrow(digest) {
      const refusal = cache.get(digest);
      if (refusal === undefined) return;
      throw typeof refusal === 'string' ? new AppError('QUERY_REJECTED', refusal) : new RejectedDocument(refusal);
    },
    remember(digest, error) {
      if (error instanceof RejectedDocument) cache.set(digest, error.reasons);
      else if (error instanceof AppError && error.code === 'QUERY_REJECTED') cache.set(digest, error.message);
    },
  };
}

function bytesOf(refusal: Refusal): number {
  if (typeof refusal === 'string') return BYTES_PER_REFUSAL + 2 * refusal.length;
  return refusal.reduce(
    (bytes, { message, locations = [] }) => bytes + 2 * message.length + BYTES_PER_LOCATION * (1 + locations.length),
    BYTES_PER_REFUSAL,
  );
}
