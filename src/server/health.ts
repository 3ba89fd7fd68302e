/** Probes: `/healthz` tells that the process lives, `/readyz` whether it should be sent requests. */
import fp from 'fastify-plugin';
import { serviceUnavailable } from '../lib/errors.js';

/** Whether requests can be served. */
export interface Readiness {
  /** Answers within the time limit; probes that come at the same time share one check. */
  check(): Promise<boolean>;
  /** From now on not ready. */
  beginDrain(): void;
}

export interface ReadinessOptions {
  /** Whether the database answers and is migrated; rejecting counts as no. */
  isReady(): Promise<boolean>;
  /** How long a probe waits for it, in milliseconds: under the second that orchestrators wait for a probe. */
  readonly timeoutMs?: number;
}

export function createReadiness({ isReady, timeoutMs = 800 }: ReadinessOptions): Readiness {
  let draining = false;
  let running: Promise<boolean> | undefined;

  /** A check that hangs is not started again, however many probes come. */
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

/** `GET /healthz` and `GET /readyz` (200, or 503 SERVICE_UNAVAILABLE); neither counts towards a rate limit. */
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
