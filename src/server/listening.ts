/** Checks that a port can be used, and explains errors of `listen`. */
import { createServer, type AddressInfo } from 'node:net';
import { ConfigError } from '../config/config.js';

/**
 * Listens briefly, so that a port in use is reported before anything else starts.
 * @param setting the name of the setting, for the error
 * @param port 0 picks a free port
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

/** Creates a handler for errors of `listen`. @throws ConfigError naming the setting, or any other error unchanged */
export function refusedPort(setting: string, host: string): (error: unknown) => never {
  return (error) => {
    const { code, port } = error as NodeJS.ErrnoException & { port?: number };
    const address = `${host}:${port}`;
    switch (code) {
      case 'EADDRINUSE':
        throw new ConfigError([`${setting}: another process already listens on ${address} (EADDRINUSE)`]);
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
