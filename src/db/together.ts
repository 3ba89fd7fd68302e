/**
 * Several statements as one: a common table expression each (PostgreSQL, "Data-Modifying Statements in WITH"), so that what
 * changes several tables takes one trip and one commit where a transaction takes five.
 */
import { fillPlaceholders, type Query } from 'drizzle-orm';
import { createWaiting } from './after-commit.js';
import type { Executor } from './database.js';
import { outage, sqlStateOf } from './errors.js';

type Rows = unknown[][];
/** What a statement's rows become. */
type Mapper = (rows: Rows) => unknown;

interface Part {
  readonly query: Query;
  readonly values: readonly unknown[];
  /** Left out where nothing is read back. */
  readonly map: Mapper | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** division_by_zero: how one statement takes back what others did. No other statement of the house divides. */
const NOT_FOUND = '22012';
/** Columns of the whole statement ahead of those that are read back. */
const AHEAD = 2;

/** As `Database.together`. @param settleMs as of `createWaiting` */
export async function together<T>(executor: Executor, work: (tx: Executor) => Promise<T>, settleMs = 0): Promise<T> {
  const after = createWaiting(settleMs);
  const collection = createCollection(executor);
  after.by(collection.tx);
  const working = work(collection.tx);
  // What it refuses by then is not sent at all.
  await Promise.race([working, new Promise(setImmediate)]).catch((error: unknown) => {
    collection.abandon();
    throw error;
  });
  const parts = collection.close();
  if (parts.length === 0) {
    const result = await working;
    after.run();
    return result;
  }
  const outcome: Outcome = await send(executor, parts).catch((error: unknown) => ({ error: outage(error) ?? error }));
  if (outcome.rows) after.run();
  else after.runIfUnknown(outcome.error);
  for (const part of parts) tell(part, outcome);
  return working;
}

/** One of the two. */
interface Outcome {
  readonly rows?: Rows;
  readonly error?: unknown;
}

function tell({ map, resolve, reject }: Part, outcome: Outcome): void {
  const rows = outcome.rows ?? (map && sqlStateOf(outcome.error) === NOT_FOUND ? [] : undefined);
  if (!rows) return reject(outcome.error);
  try {
    resolve(map?.(rows));
  } catch (error) {
    reject(error);
  }
}

/**
 * An executor for statements that are built once, which wait; it builds others, and does not run them. A fault in any of
 * them is one of all, whatever the work makes of it.
 */
function createCollection(executor: Executor) {
  const parts: Part[] = [];
  let closed = false;
  let fault: unknown;

  function add(part: Omit<Part, 'values'>, given: Record<string, unknown>): void {
    try {
      if (closed) throw new Error('a statement came after those that it was to go together with');
      if (!KIND.test(part.query.sql))
        throw new Error('only an insert, update, delete or select goes together with others');
      if (part.map && parts.some(({ map }) => map)) throw new Error('only one statement may read something back');
      parts.push({ ...part, values: fillPlaceholders(part.query.params, given) });
    } catch (error) {
      fault ??= error;
      part.reject(error);
    }
  }
  const session = {
    prepareQuery: (
      query: Query,
      _fields: undefined,
      _name: undefined,
      _inArrays: boolean,
      map: Mapper | undefined,
    ) => ({
      execute: (given: Record<string, unknown>) =>
        new Promise((resolve, reject) => add({ query, map, resolve, reject }, given)),
    }),
  };
  const refuse = (): never => {
    fault ??= new Error('only statements that are built once go together');
    throw fault as Error;
  };
  const members: Record<PropertyKey, unknown> = { _: { ...executor._, session }, session: { prepareQuery: refuse } };
  return {
    tx: new Proxy(executor, {
      get(on, key): unknown {
        if (key === 'query' || key === 'transaction') return refuse();
        return Object.hasOwn(members, key) ? members[key] : Reflect.get(on, key);
      },
    }),
    /** Takes no more. */
    abandon: () => void (closed = true),
    /** @throws Error when something was wrong with one; the others are told, and none may be sent */
    close(): readonly Part[] {
      closed = true;
      if (fault === undefined) return parts;
      for (const { reject } of parts) reject(fault);
      throw fault as Error;
    },
  };
}

async function send(executor: Executor, parts: readonly Part[]): Promise<Outcome> {
  const query = { sql: textOf(parts), params: parts.flatMap(({ values }) => values) };
  const rowsOf = (rows: Rows) => rows.map((row) => row.slice(AHEAD));
  const prepared = executor._.session.prepareQuery(query, undefined, undefined, true, rowsOf);
  return { rows: (await prepared.execute()) as Rows };
}

const KIND = /^(?:insert|update|delete|select) /;
const isSelect = ({ query }: Part) => query.sql.startsWith('select ');

/** The house has a fixed set of statements, and few of them go together. */
const texts = new Map<string, string>();

function textOf(parts: readonly Part[]): string {
  const key = parts.map(({ query, map }) => (map ? '> ' : '') + query.sql).join('\n');
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = combine(parts);
  texts.set(key, text);
  return text;
}

/** Postgres runs what changes something in any case, and a `select` that is kept apart when its rows are asked for. */
function combine(parts: readonly Part[]): string {
  let given = 0;
  const expressions = parts.map((part, index) => {
    const before = given;
    given += part.values.length;
    const text = part.query.sql.replace(/\$(\d+)/g, (_, position: string) => `$${before + Number(position)}`);
    return `s${index} as ${isSelect(part) ? 'materialized ' : ''}(${text})`;
  });
  const counts = parts.flatMap((part, index) => (isSelect(part) ? [`(select count(*) from s${index})`] : []));
  const reader = parts.findIndex(({ map }) => map);
  const found = reader === -1 ? '1' : `1 / (select count(*) from s${reader})`;
  const whole = `(select ${found} as found, ${counts.join(' + ') || '0'} as ran) as whole`;
  const [columns, source] = reader === -1 ? ['', ''] : [`, s${reader}.*`, ` left join s${reader} on true`];
  return `with ${expressions.join(', ')} select whole.found, whole.ran${columns} from ${whole}${source}`;
}
