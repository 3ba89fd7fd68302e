/**
 * Prepared statements for hot paths. Drizzle builds the SQL text once; every executor reuses it, also in transactions. Building a
 * statement costs several times as much as running it. The row decoder is also built once.
 */
import { Column, getTableColumns, is, sql, SQL, type DriverValueEncoder, type Query } from 'drizzle-orm';
import { PgColumn, type PgTable } from 'drizzle-orm/pg-core';
import type { Executor } from './database.js';

/** The shape of a row: columns by name, with at most one level of groups. */
export interface Shape {
  readonly [name: string]: PgColumn | SQL | Readonly<Record<string, PgColumn | SQL>>;
}

/** A Drizzle query with `param` in place of values. */
export interface Buildable<Rows> extends PromiseLike<Rows> {
  toSQL(): Query;
}

/** Runs a statement. @param values a value for each `param`, by name */
export type Statement<Rows> = (executor: Executor, values: Readonly<Record<string, unknown>>) => Promise<Rows>;

/**
 * A named parameter, encoded like its column.
 * @param name the key in the values of the statement
 */
export function param(column: PgColumn, name: string): SQL {
  const encoder: DriverValueEncoder<unknown, unknown> = {
    // Some of Drizzle's encoders, such as timestamps, do not accept null.
    mapToDriverValue: (value): unknown => (value === null ? null : column.mapToDriverValue(value)),
  };
  return sql`${sql.param(sql.placeholder(name), encoder)}`;
}

/** Parameters for all columns of a table, named like their properties. */
export function rowParams<T extends PgTable>(table: T): { [Name in keyof T['$inferInsert']]-?: SQL } {
  const columns = Object.entries(getTableColumns<PgTable>(table));
  // Cast: the type of Object.fromEntries has no key names.
  return Object.fromEntries(columns.map(([name, column]) => [name, param(column, name)])) as never;
}

/**
 * Defines a statement.
 * @param shape the selected or returned columns; undefined if there are none
 * @param build builds the query, which must select or return `shape`
 */
export function statement<Rows>(
  shape: Shape | undefined,
  build: (executor: Executor) => Buildable<Rows>,
): Statement<Rows> {
  const read = shape && rowReader(shape);
  const map = read && ((rows: unknown[][]) => rows.map(read));
  let query: Query | undefined;
  return (executor, values) => {
    query ??= build(executor).toSQL();
    const prepared = executor._.session.prepareQuery(query, undefined, undefined, true, map);
    return prepared.execute(values) as Promise<Rows>;
  };
}

type Reader = (row: readonly unknown[]) => unknown;

/** Creates a decoder for rows whose values are in the order of the shape, as Drizzle selects them. */
function rowReader(shape: Shape): Reader {
  let position = 0;
  const readerOf = (part: Shape | Shape[string]): Reader => {
    if (is(part, PgColumn)) return columnReader(part, position++);
    if (is(part, SQL)) {
      const at = position++;
      return (row) => row[at];
    }
    const members = Object.entries(part as Shape).map(([name, member]) => [name, readerOf(member)] as const);
    // A copy has all properties from the start, which costs less than adding them one by one.
    const empty = Object.fromEntries(members.map(([name]) => [name, null]));
    return (row) => {
      const read: Record<string, unknown> = { ...empty };
      for (const [name, reader] of members) read[name] = reader(row);
      return read;
    };
  };
  return readerOf(shape);
}

function columnReader(column: PgColumn, at: number): Reader {
  // Most types need no decoding.
  if (column.mapFromDriverValue === Column.prototype.mapFromDriverValue) return (row) => row[at];
  return (row) => {
    const value = row[at];
    return value === null ? null : column.mapFromDriverValue(value);
  };
}
