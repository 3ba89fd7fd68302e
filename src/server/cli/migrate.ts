/**
 * `npm run db:migrate`: applies pending migrations and exits, for deployments whose instances connect with a role that cannot
 * change tables (docs/postgres.md).
 */
import { loadConfig, type Config } from '../../config/config.js';
import { openDatabase } from '../../db/open.js';
import { databaseName, failureText } from '../start-failure.js';

/** For the message of a failure. */
let config: Config | undefined;

async function main(): Promise<string> {
  config = loadConfig();
  const db = await openDatabase(config);
  try {
    await db.migrate();
    return `The migrations of ${databaseName(config)} are applied.`;
  } finally {
    await db.close();
  }
}

main().then(
  (done) => process.stdout.write(`${done}\n`),
  (error: unknown) => {
    process.stderr.write(`${failureText(error, config, 'The migrations cannot be applied')}\n`);
    process.exitCode = 1;
  },
);
