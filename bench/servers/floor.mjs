// The floor: bare Fastify, one SELECT by primary key through postgres.js, JSON. It does not authenticate.
import fastify from 'fastify';
import postgres from 'postgres';

const sql = postgres(process.env.DATABASE_URL, { max: Number(process.env.DATABASE_POOL_SIZE) });
const app = fastify();

app.get('/users/:id', async (request) => {
  const [user] = await sql`select id, email, username from users where id = ${request.params.id}`;
  return user;
});

await app.listen({ host: process.env.HOST, port: Number(process.env.PORT) });
