// The machine and the versions of a measurement.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './latchkey.mjs';

const PRODUCT = ['fastify', 'mercurius', 'graphql', 'postgres', 'drizzle-orm', 'argon2', '@electric-sql/pglite'];
const PEERS = [
  '@apollo/server',
  '@as-integrations/fastify',
  'graphql-yoga',
  'better-auth',
  'pg',
  'fastify',
  'postgres',
  'graphql',
  'ws',
  'undici',
];

/** Machine and versions, by name. */
export function describeMachine(postgres) {
  return {
    processor: `${availableParallelism()} × ${cpus()[0]?.model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    system: `Linux ${release()}`,
    'load of other work at the start': loadavg()[0].toFixed(1),
    node: process.version,
    postgres: `${postgres.version}, ${postgres.origin}`,
    latchkey: versions(ROOT, PRODUCT),
    others: versions(join(ROOT, 'bench'), PEERS),
  };
}

function versions(directory, names) {
  return names.flatMap((name) => versionOf(directory, name) ?? []).join(', ');
}

function versionOf(directory, name) {
  try {
    const { version } = JSON.parse(readFileSync(join(directory, 'node_modules', name, 'package.json'), 'utf8'));
    return `${name} ${version}`;
  } catch {
    return undefined;
  }
}
