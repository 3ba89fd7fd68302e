/**
 * `npm run keys:rotate`: makes a new signing key. Running instances sign with it within a minute; the old key
 * verifies until the last token it can have signed has run out. The embedded database must not be in use.
 */
import { systemClock } from '../clock.js';
import { loadConfig } from '../config.js';
import { openDatabase } from '../db/open.js';
import { loadSecrets } from '../secrets.js';
import { rotate } from '../tokens/signing-keys.js';

async function main(): Promise<string> {
  const config = loadConfig();
  const { algorithm, accessTtlMs } = config.jwt;
  if (algorithm === 'HS256') return 'HS256 signs with JWT_SECRET_KEY: change that instead.';
  const secrets = await loadSecrets(config.authSecrets, config.dataDir);
  const db = await openDatabase(config);
  try {
    if (config.migrateOnStart) await db.migrate();
    const kid = await db.transaction((tx) => rotate(tx, { algorithm, secrets, accessTtlMs, clock: systemClock }));
    return `The signing key is now ${kid} (${algorithm}).`;
  } finally {
    await db.close();
  }
}

main().then(
  (done) => process.stdout.write(`${done}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
