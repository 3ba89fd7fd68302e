/** The listening app with WebSockets. */
import type { Strategy } from '../../src/authn/strategy.js';
import type { Clock } from '../../src/lib/clock.js';
import type { Database } from '../../src/db/database.js';
import { auditEvents } from '../../src/db/schema/index.js';
import { startTestApp, type TestApp, type TestScope } from './app.js';
import { listen } from './server.js';
import { openSession, subscribeMessage, type TestSocket } from './websocket.js';

export interface LiveApp extends TestApp {
  readonly port: number;
  /** Opens a socket with an access token. */
  session(accessToken: string): Promise<TestSocket>;
  /** Opens a socket with a subscription, and resolves when the subscription is active. */
  follow(accessToken: string, query: string): Promise<TestSocket>;
  /** The value of a metric. */
  count(metric: 'sockets_open' | 'subscriptions_open' | 'subscriptions_total'): Promise<number>;
  /** Resolves when no subscription is active. */
  quiet(): Promise<void>;
  /** Runs `work`, and waits until one more subscription is active. It delivers no earlier events. */
  untilSubscribed<T>(work: () => T): Promise<T>;
}

/** High limits by address, because all clients have the loopback address. */
const ENV = { RATE_LIMIT_ANONYMOUS: '100000/1m', MAX_WEBSOCKETS_PER_ADDRESS: '1000' };

const idOf = ({ id }: { readonly id: string }) => id;

export async function startLiveApp(
  t: TestScope,
  env: Record<string, string> = {},
  db?: Database,
  clock?: Clock,
  strategies?: readonly Strategy[],
): Promise<LiveApp> {
  const app = await startTestApp(t, { ...ENV, ...env }, db, clock, strategies);
  const arrived = new Set<string>();
  app.events.listen(({ auditId }) => void arrived.add(auditId));
  const recorded = async () => (await app.db.executor.select({ id: auditEvents.id }).from(auditEvents)).map(idOf);
  const known = new Set(await recorded());
  /** Resolves when all recorded events have arrived. An event may arrive after the response to its request. */
  async function caughtUp(): Promise<void> {
    const due = (await recorded()).filter((id) => !known.has(id));
    while (!due.every((id) => arrived.has(id))) await new Promise((resolve) => setImmediate(resolve));
  }
  const port = await listen(app.server);
  const session = (accessToken: string) => openSession(port, `Bearer ${accessToken}`);

  async function count(metric: string): Promise<number> {
    const { body } = await app.server.inject('/metrics');
    return Number(new RegExp(`^latchkey_${metric} (\\d+)$`, 'm').exec(body)![1]);
  }
  const total = () => count('subscriptions_total');
  async function untilSubscribed<T>(work: () => T): Promise<T> {
    await caughtUp();
    const before = await total();
    const result = work();
    while ((await total()) === before) await new Promise((resolve) => setImmediate(resolve));
    return result;
  }

  return {
    ...app,
    port,
    session,
    count,
    async quiet() {
      while ((await count('subscriptions_open')) > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    untilSubscribed,
    async follow(accessToken, query) {
      const socket = await session(accessToken);
      await untilSubscribed(() => socket.send(subscribeMessage(query)));
      return socket;
    },
  };
}
