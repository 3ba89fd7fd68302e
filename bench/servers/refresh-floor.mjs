// The floor of a refresh: bare Fastify and the product's statement of one rotation through postgres.js, one for each
// request. No token is verified or signed, and there is no GraphQL, no limit and no log. A "token" is a session's id and
// generation, in requests and answers of the shape that Latchkey's have.
import fastify from 'fastify';
import postgres from 'postgres';
import { rotationStatement } from '../lib/statement.mjs';

const { text, names } = await rotationStatement();
const sql = postgres(process.env.DATABASE_URL, { max: Number(process.env.DATABASE_POOL_SIZE) });
const app = fastify();

app.post('/refresh', async (request) => {
  const { refreshToken } = request.body.variables;
  const [id, generation] = refreshToken.split('.');
  const values = {
    id,
    generation: Number(generation),
    now: new Date(),
    idleSince: new Date(0),
    ipAddress: '127.0.0.1',
    userAgent: request.headers['user-agent'] ?? '',
  };
  const rows = await sql.unsafe(
    text,
    names.map((name) => values[name]),
    { prepare: true },
  );
  const rotated = rows.length === 1 ? { refreshToken: `${id}.${Number(generation) + 1}` } : null;
  return { data: { refresh: rotated } };
});

await app.listen({ host: process.env.HOST, port: Number(process.env.PORT) });
