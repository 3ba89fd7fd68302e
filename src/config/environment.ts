/** Prepares the environment: reads secrets from files and maps renamed settings to their new names. */
import { readFileSync } from 'node:fs';
import type { Environment } from './readers.js';

/** Settings that can be given as `<NAME>_FILE`, the path of a file with the value, as Docker and Kubernetes mount secrets. */
export const SECRET_SETTINGS = [
  'AUTH_SECRET',
  'JWT_SECRET_KEY',
  'DATABASE_URL',
  'DATABASE_LISTEN_URL',
  'REDIS_URL',
  'SMTP_URL',
  'BOOTSTRAP_ADMIN_PASSWORD',
  'METRICS_TOKEN',
  'OAUTH_REGISTRATION_TOKEN',
  'IDENTITY_PROVIDERS',
] as const;

/** Old names, which keep working for one release. */
export const RENAMED_SETTINGS: Readonly<Record<string, string>> = {
  HASH_CONCURRENCY: 'PASSWORD_HASH_CONCURRENCY',
  HASH_QUEUE: 'PASSWORD_HASH_QUEUE_SIZE',
  MAX_SOCKETS: 'MAX_WEBSOCKETS',
  MAX_SOCKETS_PER_ADDRESS: 'MAX_WEBSOCKETS_PER_ADDRESS',
};

export interface PreparedEnvironment {
  /** Values that take precedence over the environment. */
  readonly overrides: Environment;
  readonly issues: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads the files, and moves values to the present names. An empty value counts as unset. Never throws. */
export function prepareEnvironment(env: Environment): PreparedEnvironment {
  const overrides: Record<string, string> = {};
  const issues: string[] = [];
  const warnings: string[] = [];

  for (const [earlier, name] of Object.entries(RENAMED_SETTINGS)) {
    const value = env[earlier]?.trim();
    if (!value) continue;
    warnings.push(`${earlier} is now called ${name}; the earlier name will stop working in the next release`);
    if (!env[name]?.trim()) overrides[name] = value;
  }

  for (const name of SECRET_SETTINGS) {
    const setting = `${name}_FILE`;
    const path = env[setting]?.trim();
    if (!path) continue;
    if (env[name]?.trim()) {
      issues.push(`${setting}: expected to be unset while ${name} is set`);
      continue;
    }
    try {
      // Editors and `echo` add a newline at the end.
      const value = readFileSync(path, 'utf8').trim();
      if (value === '') issues.push(`${setting}: expected a value, but the file ${path} is empty`);
      else overrides[name] = value;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      issues.push(`${setting}: expected a file that can be read, but reading ${path} failed (${code})`);
    }
  }
  return { overrides, issues, warnings };
}
