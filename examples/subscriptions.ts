/** A socket that comes back with a fresh token when its own has run out, and stays away when its session has ended. */
import { createClient, type Client, type ClientOptions } from 'graphql-ws';
import type { Session } from './session.js';

const TOKEN_EXPIRED = 4403;

/**
 * @param url `wss://…/graphql`
 * @param options `webSocketImpl` where there is no WebSocket, as in Node 20; `on.closed` to tell 4401, which is final
 */
export function createSocket(url: string, session: Session, options: Partial<ClientOptions> = {}): Client {
  let used: string | undefined;
  let isExpired = false;
  const client = createClient({
    url,
    retryAttempts: Infinity,
    // Others come back at different times, so that a server which restarts is not stormed.
    retryWait: async (retries) => {
      const longest = isExpired ? 0 : Math.min(30_000, 1000 * 2 ** retries);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
    },
    // A server that restarts or is not reachable is tried again; 4401 and the client's own faults never are.
    shouldRetry: () => true,
    connectionParams: async () => {
      if (isExpired) await session.renew(used);
      isExpired = false;
      used = session.authorization();
      return { authorization: used };
    },
    ...options,
  });
  client.on('closed', (event) => {
    isExpired = (event as { code?: number }).code === TOKEN_EXPIRED;
  });
  return client;
}
