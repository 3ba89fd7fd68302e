/**
 * A socket that returns with a fresh token when its own has expired, and after faults that pass, in the renewal of the
 * token too. It stays away when its session has ended.
 */
import { createClient, type Client, type ClientOptions } from 'graphql-ws';
import { backoff, isPassing, type Session } from './session.js';

const TOKEN_EXPIRED = 4403;

/**
 * @param url `wss://…/graphql`
 * @param options `webSocketImpl` where there is no WebSocket, as in Node 20; `on.closed` to see 4401, which is final
 */
export function createSocket(url: string, session: Session, options: Partial<ClientOptions> = {}): Client {
  let used: string | undefined;
  let isExpired = false;
  const client: Client = createClient({
    url,
    retryAttempts: Infinity,
    retryWait: async (retries) => {
      // The first return with a fresh token needs no pause.
      const pause = isExpired && retries === 0 ? 0 : backoff(retries);
      await new Promise((resolve) => setTimeout(resolve, pause));
    },
    // Closes and network errors are retried; 4401, and a refresh that was refused for good, never are.
    shouldRetry: isPassing,
    connectionParams: async () => {
      try {
        if (isExpired) await session.renew(used);
      } catch (error) {
        // Closes with 4005, and ends the subscriptions.
        if (!isPassing(error)) throw error;
        // Closes with 4499, after which graphql-ws reconnects.
        client.terminate();
        return {};
      }
      isExpired = false;
      used = session.authorization();
      return { authorization: used };
    },
    ...options,
  });
  client.on('closed', (event) => {
    if ((event as { code?: number }).code === TOKEN_EXPIRED) isExpired = true;
  });
  return client;
}
