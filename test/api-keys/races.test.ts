/** One key at two instances of a deployment, with all requests at the same time. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { apiKeys } from '../../src/db/schema/index.js';
import { createKey, CREATE_KEY, KEY_INPUT, REVOKE_KEY, ROTATE_KEY, sendWithKey } from '../helpers/api-keys.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { ME, registerAdmin } from '../helpers/seed.js';

const first = await startTestApp(t);
const second = await startTestApp(t, {}, first.db, first.clock);
const admin = await registerAdmin(first);
const clientAt = (index: number, token: string) => [first, second][index % 2]!.client({ token });
const five = Array.from({ length: 5 }, (_, index) => index);
const works = async (key: string, app = second) => (await sendWithKey(app.client(), key, ME)).code === undefined;
const rowsOf = (userId: string) => first.db.executor.select().from(apiKeys).where(eq(apiKeys.userId, userId));

t.test('after five rotations at once, one of the returned keys is valid', async (t) => {
  const user = await first.user();
  const { id, key } = await createKey(user.client);
  const answers = await Promise.all(five.map((index) => clientAt(index, user.accessToken).send(ROTATE_KEY, { id })));
  const keys = answers.map(({ data }) => data!['rotateApiKey'].key as string);
  const valid = await Promise.all([key, ...keys].map((each) => works(each)));
  t.equal(valid.filter(Boolean).length, 1);
  t.notOk(valid[0], 'the former key is not');
  const events = await auditOf(first.db, user.id);
  t.equal(events.filter(({ type }) => type === 'api_key.rotated').length, 5);
});

t.test('a key is revoked once, and no rotation revives it', async (t) => {
  const user = await first.user();
  const { id, key } = await createKey(user.client);
  const answers = await Promise.all(
    five.flatMap((index) => [
      clientAt(index, user.accessToken).send(REVOKE_KEY, { id }),
      clientAt(index + 1, user.accessToken).send(ROTATE_KEY, { id }),
    ]),
  );
  t.equal(answers.filter(({ data }) => data?.['revokeApiKey'] === true).length, 1);
  const keys = answers.flatMap(({ data }) => (data?.['rotateApiKey']?.key as string | undefined) ?? []);
  for (const each of [key, ...keys]) t.notOk(await works(each));
});

t.test('concurrent creations do not exceed the maximum', async (t) => {
  const user = await first.user();
  for (let each = 0; each < 48; each += 1) await createKey(user.client);
  await Promise.all(five.map((index) => clientAt(index, user.accessToken).send(CREATE_KEY, { input: KEY_INPUT })));
  t.equal((await rowsOf(user.id)).length, 50);
});

t.test('a key that is created while its owner is disabled is not usable afterwards', async (t) => {
  const user = await first.user();
  const disable = `mutation { updateUser(id: "${user.id}", input: { disabled: true }) { id } }`;
  const answers = await Promise.all([
    ...five.map((index) => clientAt(index, user.accessToken).send(CREATE_KEY, { input: KEY_INPUT })),
    clientAt(1, admin.accessToken).send(disable),
    ...five.map((index) => clientAt(index, user.accessToken).send(CREATE_KEY, { input: KEY_INPUT })),
  ]);
  await admin.client.send(`mutation { updateUser(id: "${user.id}", input: { disabled: false }) { id } }`);
  const keys = answers.flatMap(({ data }) => (data?.['createApiKey']?.key as string | undefined) ?? []);
  for (const key of keys) t.notOk(await works(key));
  t.same(
    (await rowsOf(user.id)).filter(({ revokedAt }) => revokedAt === null),
    [],
  );
});

t.test('a revocation at one instance holds with the next request at the other', async (t) => {
  const user = await first.user();
  const { id, key } = await createKey(user.client);
  for (const app of [first, second]) t.ok(await works(key, app));
  await user.client.send(REVOKE_KEY, { id });
  for (const app of [first, second]) t.notOk(await works(key, app));
});
