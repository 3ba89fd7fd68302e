/** Query plans with many rows: every statement of a request or job uses an index, and none scans a table. */
import { sql, type SQL } from 'drizzle-orm';
import t from 'tap';
import { createAccountRepository } from '../../src/users/repository.js';
import { firstIdOf } from '../../src/audit/ids.js';
import { createAuditRepository } from '../../src/audit/repository.js';
import type { Executor } from '../../src/db/database.js';
import { createOutboxRepository } from '../../src/mail/repository.js';
import { createEmailCodeRepository } from '../../src/email-codes/repository.js';
import { createOneTimeTokenRepository } from '../../src/one-time-tokens/repository.js';
import { createAttemptRepository } from '../../src/passwords/repository.js';
import { createRateLimitRepository } from '../../src/rate-limits/repository.js';
import { createSessionListing } from '../../src/sessions/listing-repository.js';
import { createRotationRepository } from '../../src/sessions/rotation-repository.js';
import { createSessionRepository, readLiveSessions } from '../../src/sessions/repository.js';
import { openTestDatabase } from '../helpers/database.js';
import { sentBy } from '../helpers/statements.js';

const USERS = 20_000;
const db = await openTestDatabase(t);
const NOW = new Date('2026-06-01T00:00:00.000Z');
const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const rotationOf = (n: number) => ({ id: idOf(n), generation: 0, client: { ipAddress: '192.0.2.1', userAgent: null } });

/** One session, event and token for each user; some are deleted or ended. */
await db.executor.execute(sql`create temporary view numbers as select n,
  ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id, 'member' || n as name,
  ${sql.raw(`'${NOW.toISOString()}'`)}::timestamptz + (n - 200) * interval '1 minute' as at
  from generate_series(1, ${sql.raw(String(USERS))}) n`);
for (const statement of [
  sql`insert into users (id, email, email_key, username, username_key, password_hash, created_at, updated_at, deleted_at, role)
    select id, name, name || '@mail.test', name, name, 'x', at, at, case when n % 1000 = 0 then at end,
    case when n % 5000 = 0 then 'ADMIN' else 'USER' end from numbers`,
  sql`insert into sessions (id, user_id, rotated_at, created_at, last_used_at, expires_at, ended_at, ip_address)
    select id, id, at, at, at, at, case when n % 100 = 0 then at end, '192.0.2.1' from numbers`,
  sql`insert into oauth_clients (id, name, type, auth_method, grant_types, scopes, require_pkce, first_party, may_introspect, source,
    created_at, updated_at) select name, name, 'PUBLIC', 'NONE', '{}', '{}', true, false, false, 'ADMINISTRATOR', at, at from numbers`,
  sql`insert into audit_events (id, type, user_id, actor_id, created_at) select id, 'session.opened', id, id, at from numbers`,
  sql`insert into one_time_tokens (user_id, purpose, token_hash, email_key, created_at, expires_at)
    select id, 'password_reset', name, name, at, at from numbers`,
  sql`insert into email_codes (user_id, code_hash, link_hash, email_key, created_at, expires_at)
    select id, name, name, name || '@mail.test', at, at from numbers`,
  sql`insert into used_one_time_tokens (token_hash, outcome, expires_at) select name, 'password_reset', at from numbers`,
  sql`insert into password_attempts (key, failures, blocked_until, expires_at) select name, 1, at, at from numbers`,
  sql`insert into rate_limits (key, count, resets_at) select name, 1, at from numbers`,
  sql`insert into mail_outbox (id, kind, user_id, address, detail, next_attempt_at, created_at)
    select id, 'x', id, name, '{}', at, at from numbers`,
])
  await db.executor.execute(statement);
await db.executor.execute(sql`analyze`);

/** The statements that `work` sends, each with its EXPLAIN. */
async function statementsOf(work: (executor: Executor) => Promise<unknown>): Promise<{ text: string; explain: SQL }[]> {
  const sent = await sentBy(db, () => work(db.executor));
  return sent.map(({ text, values }) => {
    const parts = text.split(/\$\d+/);
    const explain = parts
      .slice(1)
      .reduce((whole, part, index) => sql`${whole}${values[index]}${sql.raw(part)}`, sql.raw(parts[0]!));
    return { text, explain: sql`explain (format json) ${explain}` };
  });
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

async function planOf(explain: SQL): Promise<Plan[]> {
  const answer: unknown = await db.executor.execute(explain);
  const rows = (Array.isArray(answer) ? answer : (answer as { rows: unknown[] }).rows) as Record<string, unknown>[];
  const json = rows[0]!['QUERY PLAN'];
  const [{ Plan: plan }]: [{ Plan: Plan }] = typeof json === 'string' ? JSON.parse(json) : json;
  return nodesOf(plan);
}

const listing = (on: Executor) => createSessionListing(on, { now: () => NOW.getTime() });
const CASES: readonly [name: string, index: RegExp, work: (executor: Executor) => Promise<unknown>][] = [
  ['reading session and account', /sessions_pkey/, (on) => readLiveSessions(on)([idOf(7), idOf(8)])],
  ['a rotation', /sessions_pkey/, (on) => createRotationRepository(on).rotate([rotationOf(7)], NOW)],
  ['rotations', /sessions_pkey/, (on) => createRotationRepository(on).rotate([rotationOf(7), rotationOf(8)], NOW)],
  [
    'a rotation from a new address',
    /sessions_pkey/,
    (on) => createRotationRepository(on).rotateAnywhere(rotationOf(7), NOW),
  ],
  ["an account's sessions", /sessions_user_id_index/, (on) => listing(on).first([idOf(7)], 100)],
  [
    'the next page of sessions',
    /sessions_user_id_index/,
    (on) =>
      listing(on)
        .after(idOf(7), 100, idOf(7))
        .catch(() => []),
  ],
  ['the limit of sessions', /sessions_user_id_index/, (on) => createSessionRepository(on).exceeds(idOf(7), 1, NOW)],
  [
    'ending sessions over the limit',
    /sessions_user_id_index/,
    (on) => createSessionRepository(on).endBeyond(idOf(7), 1, NOW),
  ],
  ['recording uses', /sessions_pkey/, (on) => createSessionRepository(on).touch([idOf(7)], NOW, NOW)],
  ["ending an account's sessions", /sessions_user_id_index/, (on) => createSessionRepository(on).endAll(idOf(7), NOW)],
  ['clearing sessions', /sessions_(expires|ended)_at_index/, (on) => createSessionRepository(on).deleteOver(NOW, 50)],
  [
    'a login by email',
    /users_email_(key_unique|prefix_index)/,
    (on) => createAccountRepository(on).findByKey('email', 'member7@mail.test'),
  ],
  [
    'a login by username',
    /users_username_(key_unique|prefix_index)/,
    (on) => createAccountRepository(on).findByKey('username', 'member7'),
  ],
  ['finding taken names', /users_/, (on) => createAccountRepository(on).findTaken('member7@mail.test', 'member8')],
  [
    'the first page of accounts',
    /users_pkey/,
    (on) => createAccountRepository(on).list({ limit: 21, afterId: undefined }, undefined),
  ],
  [
    'a later page of accounts',
    /users_pkey/,
    (on) => createAccountRepository(on).list({ limit: 21, afterId: idOf(9000) }, undefined),
  ],
  [
    'a search',
    /users_(email|username)_/,
    (on) =>
      createAccountRepository(on).list({ limit: 21, afterId: undefined }, { email: 'member77', username: 'member77' }),
  ],
  [
    'a later page of a search',
    /users_/,
    (on) =>
      createAccountRepository(on).list({ limit: 21, afterId: idOf(9000) }, { email: 'member77', username: 'member77' }),
  ],
  ['administrators', /users_administrators_index/, (on) => createAccountRepository(on).lockAdministrators()],
  ['accounts to purge', /users_deleted_at_index/, (on) => createAccountRepository(on).lockDeletedBefore(NOW, 50)],
  [
    'the first page of the audit',
    /audit_events_pkey/,
    (on) => createAuditRepository(on).list({ limit: 21, afterId: undefined }, undefined),
  ],
  [
    "a page of an account's audit",
    /audit_events_user_id_index/,
    (on) => createAuditRepository(on).list({ limit: 21, afterId: idOf(9000) }, idOf(7)),
  ],
  ['anonymising the audit', /audit_events_user_id_index/, (on) => createAuditRepository(on).anonymise(idOf(7))],
  [
    'a one-time token',
    /one_time_tokens_token_hash_unique/,
    (on) => createOneTimeTokenRepository(on).find('member7', 'password_reset', NOW),
  ],
  [
    'using a one-time token',
    /one_time_tokens_token_hash_unique/,
    (on) => createOneTimeTokenRepository(on).take('member7', 'password_reset', NOW),
  ],
  [
    'voiding one-time tokens',
    /one_time_tokens_pk/,
    (on) => createOneTimeTokenRepository(on).deleteOf(idOf(8), ['password_reset']),
  ],
  ['counting a try of a code', /email_codes_pkey/, (on) => createEmailCodeRepository(on).countTry(idOf(7), 5, NOW)],
  ['using a code', /email_codes_pkey/, (on) => createEmailCodeRepository(on).take(idOf(7), ['member7'], NOW)],
  ["a code's link", /email_codes_link_hash_unique/, (on) => createEmailCodeRepository(on).findLink('member7', NOW)],
  [
    "using a code's link",
    /email_codes_link_hash_unique/,
    (on) => createEmailCodeRepository(on).takeLink('member7', NOW),
  ],
  ['clearing codes', /email_codes_expires_at_index/, (on) => createEmailCodeRepository(on).deleteExpired(NOW, 50)],
  [
    'clearing one-time tokens',
    /one_time_tokens_expires_at_index/,
    (on) => createOneTimeTokenRepository(on).deleteExpired(NOW, 50),
  ],
  [
    'the outcome of a used one-time token',
    /used_one_time_tokens_pkey/,
    (on) => createOneTimeTokenRepository(on).outcomeOf('member7', NOW),
  ],
  [
    'clearing used one-time tokens',
    /used_one_time_tokens_expires_at_index/,
    (on) => createOneTimeTokenRepository(on).deleteExpiredUses(NOW, 50),
  ],
  [
    'clearing password attempts',
    /password_attempts_expires_at_index/,
    (on) => createAttemptRepository(on).deleteExpired(NOW, 50),
  ],
  ['clearing rate limits', /rate_limits_resets_at_index/, (on) => createRateLimitRepository(on).deleteExpired(NOW, 50)],
  ['claiming due mail', /mail_outbox_next_attempt_at_index/, (on) => createOutboxRepository(on).claim(NOW, NOW, 10)],
  [
    'events since a time',
    /audit_events_pkey/,
    (on) => createAuditRepository(on).findSince(firstIdOf(new Date(NOW.getTime() - 15_000)), 5001),
  ],
  [
    'events above the limit',
    /audit_events_pkey/,
    (on) => createAuditRepository(on).findSince(firstIdOf(new Date(0)), 5001),
  ],
  [
    'events of some accounts since a time',
    /audit_events_(pkey|user_id_index)/,
    (on) => createAuditRepository(on).findSince(firstIdOf(new Date(0)), 20_001, [idOf(7), idOf(8)]),
  ],
  ['clearing the audit', /audit_events_created_at_index/, (on) => createAuditRepository(on).deleteBefore(NOW, 50)],
];

for (const [name, index, work] of CASES) {
  t.test(`uses an index for ${name}`, async (t) => {
    const statements = await statementsOf(work);
    t.ok(statements.length > 0, 'at least one statement');
    for (const { text, explain } of statements) {
      const nodes = await planOf(explain);
      t.same(
        nodes.filter((node) => node['Node Type'] === 'Seq Scan'),
        [],
        text,
      );
    }
    const used = (await Promise.all(statements.map(({ explain }) => planOf(explain)))).flat();
    t.ok(
      used.some((node) => index.test(node['Index Name'] ?? '')),
      `${index.source}: ${used.map((node) => node['Index Name'] ?? '').join(' ')}`,
    );
  });
}
