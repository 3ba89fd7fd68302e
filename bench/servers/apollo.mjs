// `me` on Apollo Server, by its Fastify integration: bare, or in Latchkey's HTTP stack with STACK=on.
import { ApolloServer } from '@apollo/server';
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify';
import fastify from 'fastify';
import { latchkeyCheck, resolvers, typeDefs } from './latchkey-check.mjs';

const { authenticate, server } = await latchkeyCheck();
const app = process.env.STACK === 'on' ? await server() : fastify();
const apollo = new ApolloServer({ typeDefs, resolvers, plugins: [fastifyApolloDrainPlugin(app)] });
await apollo.start();
app.post(
  '/graphql',
  fastifyApolloHandler(apollo, {
    context: async ({ headers }) => ({ authenticate, authorization: headers.authorization }),
  }),
);
await app.listen({ host: process.env.HOST, port: Number(process.env.PORT) });
