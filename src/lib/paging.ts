/** Keyset pagination as Relay cursor connections: newest first, by time-ordered ids. */
import { validationError, type FieldError } from './errors.js';

/** The pagination arguments of a resolver. */
export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** A request for rows. `limit` is one more than the page size, to find out whether there is a next page. */
export interface PageRequest {
  readonly limit: number;
  /** Only rows with a smaller id. */
  readonly afterId: string | undefined;
}

export interface Connection<Node> {
  readonly edges: { readonly cursor: string; readonly node: Node }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const DEFAULT_SIZE = 20;
const MAX_SIZE = 100;
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

/** Whether a text is an id (UUID). Check client input with this before it reaches a query. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/**
 * Reads a page of rows, ordered by id.
 * @param read reads rows with ids below `afterId`, in descending order
 * @throws AppError VALIDATION_ERROR for an invalid page size or cursor
 */
export async function page<Node extends { readonly id: string }>(
  { first, after }: PageArguments,
  read: (request: PageRequest) => Promise<readonly Node[]>,
): Promise<Connection<Node>> {
  const size = first ?? DEFAULT_SIZE;
  const afterId = after == null ? undefined : idOf(after);
  const errors: FieldError[] = [];
  if (size < 1 || size > MAX_SIZE) errors.push({ field: 'first', message: `must be from 1 to ${MAX_SIZE}` });
  if (after != null && afterId === undefined) errors.push({ field: 'after', message: 'must be a cursor of this list' });
  if (errors.length > 0) throw validationError(errors);

  const rows = await read({ limit: size + 1, afterId });
  const edges = rows.slice(0, size).map((node) => ({ cursor: cursorOf(node.id), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > size,
      hasPreviousPage: afterId !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** Opaque, so clients do not construct cursors. */
function cursorOf(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

function idOf(cursor: string): string | undefined {
  const id = Buffer.from(cursor, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return isId(id) && cursorOf(id) === cursor ? id : undefined;
}
