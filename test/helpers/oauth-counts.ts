/** How much the provider has stored: a refused request changes nothing. */
import { sql } from 'drizzle-orm';
import type { TestApp } from './app.js';

export interface OAuthCounts {
  readonly codes: number;
  readonly consents: number;
  /** Requests that wait for a person. */
  readonly requests: number;
  readonly sessions: number;
}

export async function oauthCounts({ db }: Pick<TestApp, 'db'>): Promise<OAuthCounts> {
  const count = (table: string) => sql<number>`(select count(*)::int from ${sql.identifier(table)})`;
  const rows = await db.executor
    .select({
      codes: count('oauth_codes'),
      consents: count('oauth_consents'),
      requests: count('oauth_requests'),
      sessions: count('sessions'),
    })
    .from(sql`(select 1) as one`);
  return rows[0]!;
}
