/** The app on a port, for clients and browsers that send real requests. */
import { startTestApp, type TestApp, type TestScope } from './app.js';
import { freePort } from './services.js';

export interface ListeningApp extends TestApp {
  /** PUBLIC_URL, at which it listens. */
  readonly url: string;
}

/** Starts the app on a port of the loopback address, which its PUBLIC_URL names. */
export async function startListeningApp(t: TestScope, env: Record<string, string> = {}): Promise<ListeningApp> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const app = await startTestApp(t, { PUBLIC_URL: url, HOST: '127.0.0.1', PORT: String(port), ...env });
  await app.server.listen({ host: '127.0.0.1', port });
  return { ...app, url };
}

/** Moves the app's clock to the real time, by which clients judge tokens. */
export function synchronise({ clock }: Pick<ListeningApp, 'clock'>): void {
  clock.advance(Date.now() - clock.now());
}
