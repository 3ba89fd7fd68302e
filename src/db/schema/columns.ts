/** Column shapes that every table shares. */
import { timestamp } from 'drizzle-orm/pg-core';

/** A moment, to the millisecond, in UTC. The application's clock writes it, so that a test can move time. */
export const instant = () => timestamp({ precision: 3, withTimezone: true, mode: 'date' });
