// `me` on GraphQL Yoga with Node's HTTP server, as in its guide.
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { latchkeyCheck, resolvers, typeDefs } from './latchkey-check.mjs';

const { authenticate } = await latchkeyCheck();
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: ({ request }) => ({ authenticate, authorization: request.headers.get('authorization') ?? undefined }),
  logging: 'error',
});
createServer(yoga).listen(Number(process.env.PORT), process.env.HOST);
