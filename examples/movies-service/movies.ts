// movies.ts: a service with content, for an access token or an API key of Latchkey
import Fastify from 'fastify';
import { createVerifier, fastifyAuth, tokenOf } from 'latchkey/verify';

const {
  LATCHKEY_URL = 'http://127.0.0.1:3000/auth',
  CLIENT_ID,
  CLIENT_SECRET,
  TRUST_PROXY,
  PORT = '4000',
} = process.env;
if (!CLIENT_ID || !CLIENT_SECRET)
  throw new Error('Set CLIENT_ID and CLIENT_SECRET to those of a client that may introspect');

const app = Fastify({ logger: { level: 'warn' }, trustProxy: TRUST_PROXY?.split(',') ?? false });
const verifier = createVerifier({
  issuer: LATCHKEY_URL,
  introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  log: app.log,
});
const movies = [
  { title: 'Metropolis', year: 1927 },
  { title: 'Nosferatu', year: 1922 },
];

app.get('/v1/content/movies', { onRequest: fastifyAuth(verifier, [['read:content']]) }, (request) => {
  const { kind, subject } = tokenOf(request);
  request.log.info({ kind, subject }, 'Movies were listed');
  return { movies };
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());
console.log(await app.listen({ port: Number(PORT) }));
