/** Ports: whether one is free, and what to say if it is not. */
import { createServer, type AddressInfo } from 'node:net';
import { ConfigError } from '../config/config.js';

/**
 * Listens for a moment, so that a port that is taken is reported before anything else has been started.
 * @param setting what names the port in the configuration
 * @param port 0 picks a free one
 * @returns the port
 * @throws ConfigError naming the setting
 */
export async function checkPort(setting: string, host: string, port: number): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host, port }, () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  }).catch(refusedPort(setting, host));
}

/** Turns an error of `listen` into one that names the setting. @throws ConfigError, or the error if it is another */
export function refusedPort(setting: string, host: string): (error: unknown) => never {
  return (error) => {
    const { code, port } = error as NodeJS.ErrnoException & { port?: number };
    const address = `${host}:${port}`;
    switch (code) {
      case 'EADDRINUSE':
        throw new ConfigError([`${setting}: another process listens on ${address} already (EADDRINUSE)`]);
      case 'EACCES':
        throw new ConfigError([`${setting}: this user may not listen on ${address} (EACCES)`]);
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        throw new ConfigError([`HOST: ${host} is not an address of this machine (${code})`]);
      default:
        throw error;
    }
  };
}
