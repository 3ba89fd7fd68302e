/** Invalid options and fields of an application. */
import t from 'tap';
import { latchkey, type LatchkeyPluginOptions } from '../../src/index.js';
import { foreignApp } from '../helpers/foreign-app.js';

t.test('refuses to start with invalid options and with fields without a gate, and names them', async (t) => {
  const config = {
    NODE_ENV: 'test',
    AUTH_SECRET: 'a test secret of more than thirty-two bytes',
    DATA_DIR: 'memory://',
  };
  const refusal = async (options: LatchkeyPluginOptions) => {
    const { app } = await foreignApp(t, 'last', () => undefined);
    void app.register(latchkey, { config, ...options });
    return app.ready().then(
      () => 'started',
      (error: unknown) => (error as Error).message,
    );
  };
  const one = { Query: { one: () => 1 } };
  const cases: [LatchkeyPluginOptions, RegExp][] = [
    [{ typeDefs: 'extend type Query { one: Int }', resolvers: one }, /Query\.one carries none of @public/],
    [{ typeDefs: 'extend type Query { one: Int @public }' }, /Query\.one has no resolver/],
    [{ typeDefs: 'extend type Query { one' }, /Syntax Error/],
    [{ typeDefs: 'extend type Query { me: Int @public }', resolvers: { Query: { me: () => 1 } } }, /Query\.me/],
    [{ resolvers: { Query: { me: () => 1 } } }, /Query\.me is not a field of typeDefs/],
    [{ resolvers: { Film: { title: () => 1 } } }, /no type Film/],
    [{ resolvers: { DateTime: { serialize: () => 1 } } }, /DateTime is not a type of typeDefs/],
    [{ typeDefs: 'extend type User @requiresScopes(scopes: [["admin"]]) { x: Int }' }, /put it on the fields/],
    [
      { typeDefs: 'extend type Query { one: Int @requiresScopes(scopes: [["read:x"]]) }', resolvers: one },
      /Query\.one requires the unknown scope read:x/,
    ],
    [
      { typeDefs: 'extend type Query { one: Int @public }', resolvers: { Query: { one: undefined } } },
      /Query\.one is not/,
    ],
    [{ typeDefs: 'enum Colour { RED }', resolvers: { Colour: { RED: 1 } } }, /Colour is not a type that has resolvers/],
    [{ typeDefs: 'extend input LoginInput { company: String! }' }, /only object types and interfaces can be extended/],
    [
      {
        typeDefs: 'extend type Mutation { one: Int @requiresSession @orRefreshCookie }',
        resolvers: { Mutation: one.Query },
      },
      /@orRefreshCookie is for logout only/,
    ],
    [{ config: { ...config, PORT: 'x' } }, /PORT/],
    [{ prefix: 'auth' }, /prefix: expected a path such as \/auth/],
    [{ prefix: '/auth/' }, /prefix: expected/],
    [{ prefix: '/:tenant' }, /prefix: expected/],
  ];
  const unexpected: string[] = [];
  for (const [options, message] of cases) {
    const text = await refusal(options);
    if (!message.test(text)) unexpected.push(`${message.source}: ${text}`);
  }
  t.same(unexpected, []);
});
