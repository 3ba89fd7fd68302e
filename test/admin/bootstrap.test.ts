/** The first administrator, from BOOTSTRAP_ADMIN_EMAIL and BOOTSTRAP_ADMIN_PASSWORD. */
import t from 'tap';
import { ConfigError } from '../../src/config/config.js';
import { startTestApp } from '../helpers/app.js';
import { openTestDatabase } from '../helpers/database.js';
import { LOGIN, registerUser } from '../helpers/seed.js';

const ADMIN = { BOOTSTRAP_ADMIN_EMAIL: 'root@mail.test', BOOTSTRAP_ADMIN_PASSWORD: 'a first quiet brass key' };
const login = (app: Awaited<ReturnType<typeof startTestApp>>) =>
  app.client().send(LOGIN, { input: { identifier: 'ROOT@mail.test', password: ADMIN.BOOTSTRAP_ADMIN_PASSWORD } });
const administrators = async (app: Awaited<ReturnType<typeof startTestApp>>) => {
  const { data } = await login(app);
  const client = app.client({ token: data!['login'].accessToken });
  const users = (await client.send('{ users { edges { node { role } } } }')).data!['users'];
  return users.edges.filter((edge: { node: { role: string } }) => edge.node.role === 'ADMIN').length as number;
};

t.test('creates the first administrator once when several instances start', async (t) => {
  const db = await openTestDatabase(t);
  const apps = await Promise.all([1, 2, 3].map(() => startTestApp(t, ADMIN, db)));
  t.match((await login(apps[0]!)).data?.['login'], { user: { role: 'ADMIN', isVerified: true }, scope: /admin/ });
  t.equal(await administrators(apps[1]!), 1);
  const later = await startTestApp(t, { ...ADMIN, BOOTSTRAP_ADMIN_EMAIL: 'second@mail.test' }, db);
  t.equal(await administrators(later), 1, 'creates no other if there is one');
});

t.test('rejects a registration with the address of the administrator', async (t) => {
  const app = await startTestApp(t, ADMIN);
  await t.rejects(registerUser(app.client(), { email: 'Root@mail.test' }), /is taken/);
  t.equal(await administrators(app), 1);
});

t.test('starts without promoting an account that already has the address', async (t) => {
  const db = await openTestDatabase(t);
  const before = await startTestApp(t, {}, db);
  const stranger = await registerUser(before.client(), { email: 'Root@mail.test' });
  const app = await startTestApp(t, ADMIN, db);
  t.ok(app.logs.some(({ msg }) => /^BOOTSTRAP_ADMIN_EMAIL: belongs to an account/.test(String(msg))));
  const client = app.client({ token: stranger.accessToken });
  t.equal((await client.send('{ me { role } }')).data!['me'].role, 'USER');
  const other = await startTestApp(t, { ...ADMIN, BOOTSTRAP_ADMIN_EMAIL: 'second@mail.test' }, db);
  const { data } = await other.client().send(LOGIN, {
    input: { identifier: 'second@mail.test', password: ADMIN.BOOTSTRAP_ADMIN_PASSWORD },
  });
  t.equal(data!['login'].user.role, 'ADMIN', 'another address works');
});

t.test('does not start with an invalid address or password, and reports every issue', async (t) => {
  const start = startTestApp(t, { BOOTSTRAP_ADMIN_EMAIL: 'root', BOOTSTRAP_ADMIN_PASSWORD: 'short' });
  const error = await start.then(
    () => undefined,
    (thrown: unknown) => thrown as ConfigError,
  );
  t.ok(error instanceof ConfigError);
  t.ok(error!.issues.length >= 2);
});
