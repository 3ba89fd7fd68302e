/** Warnings about insecure database connections. */
import { isLocal, parseDatabaseUrl } from '../config/database-url.js';

const ADVICE = 'add sslmode=verify-full to it, and sslrootcert=FILE if the CA is private';

/** @returns one sentence for each URL that connects to another machine without verifying its certificate */
export function transportWarnings(urls: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(urls).flatMap(([name, url]) => {
    if (url === undefined) return [];
    const { hosts, tls } = parseDatabaseUrl(url);
    if (hosts.every(isLocal) || tls.mode.startsWith('verify-')) return [];
    const state = tls.mode === 'require' ? 'is encrypted, but the server is not verified' : 'may not be encrypted';
    return [`The connection of ${name} to ${hosts.map(({ host }) => host).join(', ')} ${state}: ${ADVICE}.`];
  });
}
