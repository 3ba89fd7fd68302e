/** Pages of a list by keyset, as Relay's cursor connections have them: newest first, by ids that order by time. */
import { validationError, type FieldError } from './errors.js';

/** How the page was asked for, as a resolver gets it. */
export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** How the page is read: one more row than is shown tells whether there is a next page. */
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

/** Whether a text is an id as they are made here; nothing else may reach the database as one. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/**
 * Reads a page of rows whose ids order them.
 * @param read gets rows with ids below `afterId`, the greatest first
 * @throws AppError VALIDATION_ERROR for a size or a cursor that is none
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

/** Opaque, so that nobody builds one. */
function cursorOf(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

function idOf(cursor: string): string | undefined {
  const id = Buffer.from(cursor, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return isId(id) && cursorOf(id) === cursor ? id : undefined;
}
