/** Lists of accounts and audit events for administrators. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { createAuditRepository } from '../../src/audit/repository.js';
import { createAccountRepository } from '../../src/users/repository.js';
import { startTestApp } from '../helpers/app.js';
import type { AnyData } from '../helpers/client.js';
import { registerAdmin } from '../helpers/seed.js';

const app = await startTestApp(t);
const admin = await registerAdmin(app);
const USERS = `query ($first: Int, $after: String, $search: String) { users(first: $first, after: $after, search: $search) {
  edges { cursor node { id email username } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
const EVENTS = `query ($first: Int, $after: String, $userId: ID) { auditEvents(first: $first, after: $after, userId: $userId) {
  edges { cursor node { id type userId actorId createdAt } } pageInfo { hasNextPage endCursor } } }`;
const users = async (variables: object) => (await admin.client.send(USERS, variables)).data!['users'] as AnyData;
const names = ({ edges }: AnyData) => edges.map((edge: AnyData) => edge['node'].username) as string[];

t.test('lists accounts newest first, in pages without overlap or gap', async (t) => {
  for (let n = 0; n < 7; n += 1) await app.user({ email: `page${n}@mail.test`, username: `page${n}` });
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: AnyData = await users({ first: 3, after, search: 'page' });
    t.equal(page['pageInfo'].hasPreviousPage, after !== null);
    seen.push(...names(page));
    after = page['pageInfo'].hasNextPage ? (page['pageInfo'].endCursor as string) : null;
  } while (after !== null);
  t.same(
    seen,
    [6, 5, 4, 3, 2, 1, 0].map((n) => `page${n}`),
  );
});

t.test('searches by prefix of email or username in any case and form, without wildcards', async (t) => {
  await app.user({ email: 'zoe@mail.test', username: 'Straße' });
  await app.user({ email: 'first@sub.example', username: 'per_cent' });
  t.same(names(await users({ search: 'STRASSE' })), ['Straße']);
  t.same(names(await users({ search: ' Zoe@MAIL' })), ['Straße']);
  t.same(names(await users({ search: 'zoe@' })), ['Straße']);
  t.same(names(await users({ search: 'per_' })), ['per_cent']);
  for (const search of ['%', '_', 'per%', 'oe@mail', '\u0000', '\ud800', 'x'.repeat(10_000)])
    t.same(names(await users({ search })), [], search.slice(0, 8));
});

t.test('rejects an invalid page size or cursor', async (t) => {
  for (const [variables, field] of [
    [{ first: 0 }, 'first'],
    [{ first: -1 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ after: '' }, 'after'],
    [{ after: 'nonsense' }, 'after'],
    [{ after: "AAAA' or 1=1" }, 'after'],
  ] as const) {
    for (const list of [USERS, EVENTS]) {
      const answer = await admin.client.send(list, variables);
      t.match(
        answer.errors[0]?.extensions,
        { code: 'VALIDATION_ERROR', details: [{ field }] },
        JSON.stringify(variables),
      );
    }
  }
});

t.test('lists events newest first, of all accounts or of one', async (t) => {
  const user = await app.user();
  const { data } = await admin.client.send(EVENTS, { first: 1, userId: user.id });
  const { edges, pageInfo } = data!['auditEvents'];
  t.match(edges[0].node, { userId: user.id, type: 'session.opened' });
  t.equal(pageInfo.hasNextPage, true);
  const next = await admin.client.send(EVENTS, { first: 5, userId: user.id, after: pageInfo.endCursor });
  t.match(next.data!['auditEvents'].edges, [{ node: { type: 'account.registered' } }]);
  const all = await admin.client.send(EVENTS, { first: 100 });
  t.ok(new Set(all.data!['auditEvents'].edges.map((edge: AnyData) => edge['node'].userId)).size > 1);
  t.same((await admin.client.send(EVENTS, { userId: 'x' })).data!['auditEvents'].edges, []);
});

t.test('uses indexes for lists of many rows', async (t) => {
  const { db } = app;
  await db.executor
    .execute(sql`insert into users (id, email, email_key, username, username_key, password_hash, created_at, updated_at)
    select gen_random_uuid(), m, m, u, u, 'x', now(), now()
    from (select 'bulk' || md5(n::text) || '@mail.test' as m, 'bulk' || md5(n::text) as u from generate_series(1, 20000) n) as names`);
  await db.executor.execute(sql`insert into audit_events (id, type, user_id, created_at)
    select gen_random_uuid(), 'bulk', gen_random_uuid(), now() from generate_series(1, 20000)`);
  await db.executor.execute(sql`vacuum analyze users`);
  await db.executor.execute(sql`vacuum analyze audit_events`);
  const plans: string[] = [];
  const explaining = explainer(db.executor, plans);
  const accounts = createAccountRepository(explaining);
  const events = createAuditRepository(explaining);
  const page = { limit: 21, afterId: admin.id };
  await accounts.list(page, { email: 'bulk12', username: 'bulk12' });
  await accounts.list(page, undefined);
  await events.list(page, admin.id);
  await events.list(page, undefined);
  t.equal(plans.length, 4);
  for (const plan of plans) t.notMatch(plan, /Seq Scan/);
  t.match(plans[0], /users_email_prefix_index[^]*users_username_prefix_index/);
  t.match(plans[2], /audit_events_user_id_index/);
});

/** An executor that adds the plan of each select to `plans` before it runs. */
function explainer(executor: typeof app.db.executor, plans: string[]): typeof app.db.executor {
  const explain = async (query: { getSQL(): ReturnType<typeof sql> }) =>
    plans.push(JSON.stringify(await executor.execute(sql`explain ${query.getSQL()}`)));
  const wrap = (builder: object): object =>
    new Proxy(builder, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key);
        if (key === 'then') {
          return (...handlers: Parameters<Promise<unknown>['then']>) =>
            // Cast: a builder with a `then` is a query.
            explain(target as never)
              .then(() => target)
              .then(...handlers);
        }
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(member, target, args);
          return typeof result === 'object' && result !== null && 'getSQL' in result ? wrap(result) : result;
        };
      },
    });
  return new Proxy(executor, {
    get(target, key) {
      if (key !== 'select') return Reflect.get(target, key) as unknown;
      return (fields: never) => {
        const builder = target.select(fields);
        return { from: (table: never) => wrap(builder.from(table)) };
      };
    },
  });
}
