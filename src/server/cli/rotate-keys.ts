/**
 * `npm run keys:rotate`: creates a new signing key for access tokens, and one for ID tokens if there is one already. Running instances
 * use them within a minute; the old keys verify tokens until the last one has expired. The embedded database must not be in use. The command creates no database, tables, secrets or
 * first key.
 */
import { systemClock } from '../../lib/clock.js';
import { ConfigError, loadConfig, type Config } from '../../config/config.js';
import { hasEmbedded } from '../../db/embedded.js';
import { openDatabase } from '../../db/open.js';
import { findSecrets } from '../../config/secrets.js';
import { databaseName, failureText } from '../start-failure.js';
import { createSigningKeyRepository } from '../../signing-keys/repository.js';
import { rotateManually } from '../../signing-keys/service.js';

/** For the message of a failure. */
let config: Config | undefined;

async function main(): Promise<string> {
  config = loadConfig();
  const { algorithm } = config.jwt;
  const { accessTtlMs: oauthTtlMs, idTokenAlgorithm } = config.oauth;
  const accessTtlMs = Math.max(config.jwt.accessTtlMs, oauthTtlMs);
  if (algorithm === 'HS256')
    throw new ConfigError(['JWT_ALGORITHM: HS256 signs with JWT_SECRET_KEY; change that instead']);
  if (config.databaseUrl === undefined && !hasEmbedded(config.dataDir))
    throw new ConfigError([`DATABASE_URL, DATA_DIR: there is no database in ${config.dataDir}`]);
  const secrets = await findSecrets(config.authSecrets, config.dataDir);
  const db = await openDatabase(config);
  try {
    const [kid, idKid] = await db.transaction(async (tx) => {
      const options = { secrets, clock: systemClock };
      const access = await rotateManually(tx, { ...options, algorithm, accessTtlMs });
      const hasIdKey = (await createSigningKeyRepository(tx, 'id').list()).some(
        (key) => key.retiredAt === null && key.algorithm === idTokenAlgorithm,
      );
      if (!hasIdKey) return [access];
      const ofIdTokens = { ...options, algorithm: idTokenAlgorithm, accessTtlMs: oauthTtlMs, purpose: 'id' } as const;
      return [access, await rotateManually(tx, ofIdTokens)];
    });
    const done = `The signing key of ${databaseName(config)} is now ${kid} (${algorithm}).`;
    return idKid === undefined ? done : `${done}\nThe key of ID tokens is now ${idKid} (${idTokenAlgorithm}).`;
  } finally {
    await db.close();
  }
}

main().then(
  (done) => process.stdout.write(`${done}\n`),
  (error: unknown) => {
    process.stderr.write(`${failureText(error, config, 'The signing key cannot be rotated')}\n`);
    process.exitCode = 1;
  },
);
