/** What is done every now and then beside the requests: other instances' keys are read, counters that are over removed. */
import type { FastifyBaseLogger } from 'fastify';
import type { RateLimits } from './rate-limits/service.js';
import { RELOAD_MS, type SigningKeys } from './tokens/signing-keys.js';

export interface MaintenanceOptions {
  readonly keys: Pick<SigningKeys, 'reload'>;
  readonly rateLimits: Pick<RateLimits, 'clear'>;
  readonly log: Pick<FastifyBaseLogger, 'warn'>;
}

const CLEAR_MS = 600_000;

/** Starts the timers, which keep no process alive; returns what stops them. A failure is logged and tried again. */
export function startMaintenance({ keys, rateLimits, log }: MaintenanceOptions): () => void {
  const every = (ms: number, what: string, work: () => Promise<unknown>) =>
    setInterval(() => {
      work().catch((err: unknown) => log.warn({ err }, `${what} failed; it will be tried again`));
    }, ms).unref();
  const timers = [
    every(RELOAD_MS, 'reading the signing keys', () => keys.reload()),
    every(CLEAR_MS, 'clearing the rate limits', () => rateLimits.clear()),
  ];
  return () => timers.forEach((timer) => clearInterval(timer));
}
