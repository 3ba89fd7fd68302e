/** `me` reads the session and the account in one statement. */
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { buildSchema, getNamedType, isLeafType, isObjectType } from 'graphql';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import type { AnyData } from '../helpers/client.js';
import { registerAdmin } from '../helpers/seed.js';
import { ofSessions, sentBy } from '../helpers/statements.js';

const app = await startTestApp(t);
const admin = await registerAdmin(app);
const { client } = admin;
// Nothing that a field which was not read could be taken for.
await app.db.executor.execute(sql`update users set pending_email = 'next@mail.test', display_name = 'Ada',
  avatar_url = 'https://pictures.test/a.png', is_verified = true, is_premium = true, theme = 'DARK',
  notifications = false, language = 'de', last_login_at = now(), disabled_at = null where id = ${admin.id}`);

const user = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')).getType('User');
const FIELDS = isObjectType(user) ? Object.values(user.getFields()) : [];
const SELECTIONS: Readonly<Record<string, string>> = {
  preferences: 'preferences { theme notifications language }',
  secondFactors: 'secondFactors { recoveryCodesLeft }',
  authorizedApps: 'authorizedApps { clientId }',
};
const selected = FIELDS.map(({ name, type }) => {
  if (isLeafType(getNamedType(type))) return [name, name] as const;
  return [name, SELECTIONS[name] ?? `${name} { id }`] as const;
});

t.test('returns the same value for a field alone and among all fields', async (t) => {
  const all = await client.send(`{ me { ${selected.map(([, selection]) => selection).join(' ')} } }`);
  t.same(all.errors, []);
  t.ok(selected.length > 15);
  const whole = all.data!['me'] as AnyData;
  for (const [name, selection] of selected) {
    const alone = await client.send(`{ me { ${selection} } }`);
    t.same(alone.data!['me'], { [name]: whole[name] }, name);
    if (!['disabledAt', 'deletedAt'].includes(name)) t.not(whole[name], null, name);
  }
});

t.test('reads session and account in one statement', async (t) => {
  const sent = await sentBy(app.db, () => client.send('{ me { id displayName preferences { theme } } }'));
  t.equal(ofSessions(sent).length, 1);
});
