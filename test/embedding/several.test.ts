/** Two embedded APIs in one process. */
import t from 'tap';
import { latchkey } from '../../src/index.js';
import { register } from '../helpers/embedded-client.js';
import { embeddedConfig, foreignApp } from '../helpers/foreign-app.js';

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
