/** Two embedded APIs in one process. */
import fastify from 'fastify';
import t from 'tap';
import { latchkey } from '../../src/index.js';
import { startTestApp } from '../helpers/app.js';
import { register } from '../helpers/embedded-client.js';
import { embeddedConfig, foreignApp } from '../helpers/foreign-app.js';
import { REGISTER } from '../helpers/seed.js';

t.test('runs two instances with separate accounts in one process', async (t) => {
  const [one, two] = [await embeddedConfig(t), await embeddedConfig(t)];
  const app = (
    await foreignApp(t, 'last', (host) => {
      void host.register(async (scope) => {
        await scope.register(latchkey, { prefix: '/auth', config: one });
        scope.get('/one', { preHandler: scope.latchkey.requireScopes([['read:content']]) }, () => 'one');
      });
      void host.register(
        async (scope) => {
          await scope.register(latchkey, {
            prefix: '/auth',
            config: { ...two, PUBLIC_URL: 'http://host.test/partners/auth' },
          });
          scope.get('/two', { preHandler: scope.latchkey.requireScopes([['read:content']]) }, () => 'two');
        },
        { prefix: '/partners' },
      );
    })
  ).app;
  await app.ready();
  const [first, second] = [await register(app), await register(app, '/partners/auth')];
  const get = async (url: string, token: string) =>
    (await app.inject({ url, headers: { authorization: `Bearer ${token}` } })).statusCode;
  t.same([await get('/one', first.accessToken), await get('/partners/two', first.accessToken)], [200, 401]);
  t.same([await get('/one', second.accessToken), await get('/partners/two', second.accessToken)], [401, 200]);
});

t.test('keeps its prefix beside a standalone server in the same process', async (t) => {
  await startTestApp(t);
  const config = await embeddedConfig(t);
  const { app } = await foreignApp(t, 'last', (host) => host.register(latchkey, { prefix: '/auth', config }));
  t.match(await register(app), { user: { id: String } });
});

t.test('keeps the cookies of two instances on one host apart by their paths', async (t) => {
  const app = fastify();
  t.teardown(() => app.close());
  for (const prefix of ['/auth', '/partners']) {
    const config = { ...(await embeddedConfig(t)), PUBLIC_URL: `http://host.test${prefix}` };
    void app.register(async (scope) => scope.register(latchkey, { prefix, config }));
  }
  const cookies: string[] = [];
  for (const prefix of ['/auth', '/partners']) {
    const input = { email: 'a@mail.test', username: 'ada', password: 'a quiet brass telescope', transport: 'COOKIE' };
    const response = await app.inject({
      method: 'POST',
      url: `${prefix}/graphql`,
      headers: { origin: 'http://host.test', 'content-type': 'application/json' },
      payload: { query: REGISTER, variables: { input } },
    });
    cookies.push(...response.cookies.map(({ name, path }) => `${name} ${path}`));
  }
  t.same(cookies, [
    'latchkey-refresh /auth',
    'latchkey-device /auth',
    'latchkey-refresh /partners',
    'latchkey-device /partners',
  ]);
});

t.test('rejects a second instance in one scope, and a path that the application serves', async (t) => {
  const twice = (await foreignApp(t, 'first', () => undefined)).app;
  await twice.register(latchkey, { prefix: '/auth', config: await embeddedConfig(t) });
  const second = { prefix: '/partners', config: await embeddedConfig(t) };
  await t.rejects(Promise.resolve(twice.register(latchkey, second)), { code: 'FST_ERR_DEC_ALREADY_PRESENT' });

  const taken = (await foreignApp(t, 'first', () => undefined)).app;
  taken.get('/auth/graphql', () => 'of the application');
  const config = await embeddedConfig(t);
  await t.rejects(Promise.resolve(taken.register(latchkey, { prefix: '/auth', config })), {
    code: 'FST_ERR_DUPLICATED_ROUTE',
  });
});
