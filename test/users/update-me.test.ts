import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { UPDATE_ME } from '../helpers/seed.js';

const app = await startTestApp(t);
const user = await app.user({ displayName: 'Before' });
const update = (input: object) => user.client.send(UPDATE_ME, { input });
const me = async () => (await user.client.send(UPDATE_ME, { input: {} })).data?.['updateMe'];
const fieldsOf = (answer: Awaited<ReturnType<typeof update>>) =>
  (answer.errors[0]?.extensions.details ?? []).map(({ field }) => field);

t.test('changes given fields and keeps omitted ones', async (t) => {
  app.clock.advance(1000);
  const answer = await update({ displayName: ' Grace ', preferences: { theme: 'DARK', language: 'pt-br' } });
  t.match(answer.data?.['updateMe'], {
    username: user.username,
    displayName: 'Grace',
    updatedAt: new Date(app.clock.now()).toISOString(),
    preferences: { theme: 'DARK', notifications: true, language: 'pt-BR' },
  });
  t.match((await update({ preferences: { notifications: false } })).data?.['updateMe'], {
    displayName: 'Grace',
    preferences: { theme: 'DARK', notifications: false, language: 'pt-BR' },
  });
});

t.test('clears nullable fields with null', async (t) => {
  await update({ avatarUrl: 'https://img.example.com/a.png' });
  t.match(await me(), { avatarUrl: 'https://img.example.com/a.png' });
  t.match((await update({ displayName: null, avatarUrl: null })).data?.['updateMe'], {
    displayName: null,
    avatarUrl: null,
  });
});

t.test('rejects null for other fields, reports all errors and changes nothing', async (t) => {
  const before = await me();
  const nulls = await update({
    username: null,
    displayName: 'Changed',
    preferences: { theme: null, notifications: null, language: null },
  });
  t.same([nulls.code, nulls.status], ['VALIDATION_ERROR', 400]);
  t.same(fieldsOf(nulls), ['username', 'preferences.theme', 'preferences.notifications', 'preferences.language']);
  t.same(fieldsOf(await update({ preferences: null })), ['preferences']);
  const faulty = await update({
    username: 'a b',
    displayName: ' ',
    avatarUrl: 'javascript:alert(1)',
    preferences: { language: '!' },
  });
  t.same(fieldsOf(faulty), ['username', 'displayName', 'avatarUrl', 'preferences.language']);
  t.same(await me(), before);
});

t.test("accepts one's own username in another case and rejects a taken one", async (t) => {
  const other = await app.user();
  t.same(fieldsOf(await update({ username: other.username.toUpperCase() })), ['username']);
  t.equal(
    (await update({ username: user.username.toUpperCase() })).data?.['updateMe'].username,
    user.username.toUpperCase(),
  );
});

t.test('lets one of several concurrent claims to a username win', async (t) => {
  const claimants = [await app.user(), await app.user(), await app.user()];
  const answers = await Promise.all(
    claimants.map(({ client }) => client.send(UPDATE_ME, { input: { username: 'coveted' } })),
  );
  t.equal(answers.filter(({ code }) => code === undefined).length, 1);
  t.same(new Set(answers.flatMap(fieldsOf)), new Set(['username']));
});
