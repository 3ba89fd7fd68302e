/** Column types that all tables share. */
import { timestamp } from 'drizzle-orm/pg-core';

/** A time in UTC with milliseconds. The application's clock sets it, so that tests can move the time. */
export const instant = () => timestamp({ precision: 3, withTimezone: true, mode: 'date' });
