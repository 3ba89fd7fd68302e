/**
 * Statements of hot paths: Drizzle builds the text once, and every executor, a transaction's too, runs it from then on.
 * Building one per request costs several times what running it does. Rows are read by a reader made once as well.
 */
import { getTableColumns, is, sql, SQL, type DriverValueEncoder, type Query } from 'drizzle-orm';
import { PgColumn, type PgTable } from 'drizzle-orm/pg-core';
import type { Executor } from './database.js';

/** What a row is read into: columns by name, one level of groups at the most. */
export interface Shape {
  readonly [name: string]: PgColumn | SQL | Readonly<Record<string, PgColumn | SQL>>;
}

/** A query of Drizzle's with `given` in the place of values. */
export interface Buildable<Rows> extends PromiseLike<Rows> {
  toSQL(): Query;
}

/** Runs a statement. @param values one for each `given` */
export type Statement<Rows> = (executor: Executor, values: Readonly<Record<string, unknown>>) => Promise<Rows>;

/**
 * A value that is given when the statement runs, encoded as its column has it.
 * @param name under which it is given
 */
export function param(column: PgColumn, name: string): SQL {
  const encoder: DriverValueEncoder<unknown, unknown> = {
    // Drizzle's encoders of some types, moments among them, take no null.
    mapToDriverValue: (value): unknown => (value === null ? null : column.mapToDriverValue(value)),
  };
  return sql`${sql.param(sql.placeholder(name), encoder)}`;
}

/** A whole row that is given when the statement runs, each column under its property's name. */
export function rowParams<T extends PgTable>(table: T): { [Name in keyof T['$inferInsert']]-?: SQL } {
  const columns = Object.entries(getTableColumns<PgTable>(table));
  // Object.fromEntries loses the names that the type promises.
  return Object.fromEntries(columns.map(([name, column]) => [name, param(column, name)])) as never;
}

/**
 * Defines a statement.
 * @param shape what it selects or returns; undefined when that is nothing
 * @param build builds it with any executor, with `shape` as what it selects or returns
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

/** Reads a row whose values lie in the order of the shape, which is how Drizzle selects them. */
function rowReader(shape: Shape): Reader {
  let position = 0;
  const readerOf = (part: Shape | Shape[string]): Reader => {
    if (is(part, PgColumn)) return columnReader(part, position++);
    if (is(part, SQL)) {
      const at = position++;
      return (row) => row[at];
    }
    const members = Object.entries(part as Shape).map(([name, member]) => [name, readerOf(member)] as const);
    return (row) => {
      const read: Record<string, unknown> = {};
      for (const [name, reader] of members) read[name] = reader(row);
      return read;
    };
  };
  return readerOf(shape);
}

function columnReader(column: PgColumn, at: number): Reader {
  return (row) => {
    const value = row[at];
    return value === null ? null : column.mapFromDriverValue(value);
  };
}
