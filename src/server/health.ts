/** Probes: `/healthz` for liveness, `/readyz` for readiness. */
import fp from 'fastify-plugin';
import { serviceUnavailable } from '../lib/errors.js';

/** Whether the server can serve requests. */
export interface Readiness {
  /** Resolves within the timeout. Concurrent calls share one check. */
  check(): Promise<boolean>;
  /** Makes every check false. */
  beginDrain(): void;
}

export interface ReadinessOptions {
  /** Whether the database answers and is migrated. A rejection counts as false. */
  isReady(): Promise<boolean>;
  /** Timeout of a check in milliseconds; default 800, less than the second that orchestrators wait for a probe. */
  readonly timeoutMs?: number;
}

export function createReadiness({ isReady, timeoutMs = 800 }: ReadinessOptions): Readiness {
  let draining = false;
  let running: Promise<boolean> | undefined;

  /** Further probes do not start another check while one hangs. */
  const shared = (): Promise<boolean> => {
    running ??= isReady()
      .catch(() => false)
      .finally(() => {
        running = undefined;
      });
    return running;
  };

  return {
    async check() {
      if (draining) return false;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(resolve, timeoutMs, false);
      });
      const ready = await Promise.race([shared(), late]);
      clearTimeout(timer);
      return ready && !draining;
    },
    beginDrain() {
      draining = true;
    },
  };
}

/** Serves `GET /healthz` and `GET /readyz` (200, or 503 SERVICE_UNAVAILABLE) without a rate limit. */
export const healthPlugin = fp<{ readonly readiness: Readiness }>(
  (app, { readiness }, done) => {
    const config = { rateLimit: false } as const;
    app.get('/healthz', { config }, (_request, reply) => reply.send({ status: 'ok' }));
    app.get('/readyz', { config }, async () => {
      if (await readiness.check()) return { status: 'ok' };
      throw serviceUnavailable('Not ready to serve requests.');
    });
    done();
  },
  { name: 'health', fastify: '5.x' },
);
