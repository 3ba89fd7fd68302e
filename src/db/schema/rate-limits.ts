/** Counters of `@rateLimit`, stored so that they survive restarts and instances share them. */
import { index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

export const rateLimits = pgTable(
  'rate_limits',
  {
    /** The counter, e.g. `register|ip:203.0.113.7`. */
    key: text().primaryKey(),
    count: integer().notNull(),
    resetsAt: instant().notNull(),
  },
  (table) => [index('rate_limits_resets_at_index').on(table.resetsAt)],
);
