// Better Auth on Postgres, set up as in its guide. The environment sets the cookie cache. Its rate limits are off, because they
// would refuse the load.
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import pg from 'pg';

const options = {
  baseURL: process.env.PUBLIC_URL,
  secret: process.env.AUTH_SECRET,
  database: new pg.Pool({
    connectionString: process.env.DATABASE_URL,
    max: Number(process.env.DATABASE_POOL_SIZE),
    // Keeps connections between runs, like the other servers.
    idleTimeoutMillis: 0,
  }),
  emailAndPassword: { enabled: true },
  session: { cookieCache: { enabled: process.env.COOKIE_CACHE === 'on', maxAge: 300 } },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
createServer(toNodeHandler(betterAuth(options))).listen(Number(process.env.PORT), process.env.HOST);
