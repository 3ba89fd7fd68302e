/** The scalars `DateTime` and `Scope`. */
import { GraphQLError, isScalarType, Kind, type GraphQLType } from 'graphql';

/** RFC 3339 section 5.6, with seconds and an offset. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;

/** RFC 3339: results are in UTC, inputs need an offset. @throws Error if the schema does not define it */
export function attachDateTime(type: GraphQLType | undefined): void {
  if (!isScalarType(type)) throw new Error('The schema lacks the scalar DateTime');
  type.serialize = (value) => {
    if (value instanceof Date) return value.toISOString();
    throw new GraphQLError('DateTime takes a Date');
  };
  type.parseValue = parseTime;
  type.parseLiteral = (node) => parseTime(node.kind === Kind.STRING ? node.value : undefined);
}

/** Any text; services refuse unknown scopes. @throws Error if the schema does not define it */
export function attachScope(type: GraphQLType | undefined): void {
  if (!isScalarType(type)) throw new Error('The schema lacks the scalar Scope');
  type.serialize = String;
  type.parseValue = parseText;
  type.parseLiteral = (node) => parseText(node.kind === Kind.STRING ? node.value : undefined);
}

function parseTime(value: unknown): Date {
  const time = typeof value === 'string' && RFC_3339.test(value) ? new Date(value) : undefined;
  // Date rolls 31 February over instead of refusing it.
  if (!time || Number.isNaN(time.getTime()) || !isInMonth(String(value)))
    throw new GraphQLError('DateTime takes a time');
  return time;
}

function isInMonth(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function parseText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new GraphQLError('Scope takes a text');
}
