/** The product with its sockets, listening. */
import type { Clock } from '../../src/clock.js';
import type { Database } from '../../src/db/database.js';
import { startTestApp, type TestApp, type TestScope } from './app.js';
import { listen } from './server.js';
import { openSession, subscribeMessage, type TestSocket } from './websocket.js';

export interface LiveApp extends TestApp {
  readonly port: number;
  /** Opens a socket with an access token. */
  session(accessToken: string): Promise<TestSocket>;
  /** The same, and a subscription that is open when this resolves. */
  follow(accessToken: string, query: string): Promise<TestSocket>;
  /** How many of something there are, by the metrics. */
  count(metric: 'sockets' | 'subscriptions'): Promise<number>;
  /** Until so many subscriptions are open in all. */
  subscriptions(count: number): Promise<void>;
}

/** With limits by address out of the way: everybody is at the loopback. */
const ENV = { RATE_LIMIT_ANONYMOUS: '100000/1m', MAX_SOCKETS_PER_ADDRESS: '1000' };

export async function startLiveApp(
  t: TestScope,
  env: Record<string, string> = {},
  db?: Database,
  clock?: Clock,
): Promise<LiveApp> {
  const app = await startTestApp(t, { ...ENV, ...env }, db, clock);
  const port = await listen(app.server);
  const session = (accessToken: string) => openSession(port, `Bearer ${accessToken}`);

  async function count(metric: string): Promise<number> {
    const { body } = await app.server.inject('/metrics');
    return Number(new RegExp(`^latchkey_${metric}_open (\\d+)$`, 'm').exec(body)![1]);
  }
  async function subscriptions(wanted: number): Promise<void> {
    while ((await count('subscriptions')) !== wanted) await new Promise((resolve) => setImmediate(resolve));
  }

  return {
    ...app,
    port,
    session,
    count,
    subscriptions,
    async follow(accessToken, query) {
      const before = await count('subscriptions');
      const socket = await session(accessToken);
      socket.send(subscribeMessage(query));
      await subscriptions(before + 1);
      return socket;
    },
  };
}
