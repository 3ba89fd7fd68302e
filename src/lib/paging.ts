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

/** How ids become opaque cursors. */
export interface CursorCodec {
  encode(id: string): string;
  /** The id; undefined for a text that is no cursor. */
  decode(cursor: string): string | undefined;
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
 * @param cursors how ids become cursors; those of UUIDs by default
 * @throws AppError VALIDATION_ERROR for an invalid page size or cursor
 */
export async function page<Node extends { readonly id: string }>(
  { first, after }: PageArguments,
  read: (request: PageRequest) => Promise<readonly Node[]>,
  cursors: CursorCodec = UUID_CURSOR,
): Promise<Connection<Node>> {
  const size = first ?? DEFAULT_SIZE;
  const afterId = after == null ? undefined : cursors.decode(after);
  const errors: FieldError[] = [];
  if (size < 1 || size > MAX_SIZE) errors.push({ field: 'first', message: `must be from 1 to ${MAX_SIZE}` });
  if (after != null && afterId === undefined) errors.push({ field: 'after', message: 'must be a cursor of this list' });
  if (errors.length > 0) throw validationError(errors);

  const rows = await read({ limit: size + 1, afterId });
  const edges = rows.slice(0, size).map((node) => ({ cursor: cursors.encode(node.id), node }));
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
const UUID_CURSOR: CursorCodec = {
  encode: (id) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url'),
  decode(cursor) {
    const id = Buffer.from(cursor, 'base64url')
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    return isId(id) && UUID_CURSOR.encode(id) === cursor ? id : undefined;
  },
};

const MAX_TEXT_CURSOR = 4096;

/** Cursors of ids that are any text. */
export const TEXT_CURSOR: CursorCodec = {
  encode: (id) => Buffer.from(id).toString('base64url'),
  decode(cursor) {
    if (cursor === '' || cursor.length > MAX_TEXT_CURSOR) return undefined;
    const id = Buffer.from(cursor, 'base64url').toString();
    return TEXT_CURSOR.encode(id) === cursor && !id.includes('\0') ? id : undefined;
  },
};
