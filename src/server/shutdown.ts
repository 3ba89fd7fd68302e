/** How the process ends: on a signal gracefully, on a fault that nobody caught with status 1, and always in bounded time. */
import type { FastifyBaseLogger } from 'fastify';

/** What of `process` is needed. */
export interface Host {
  on(event: string, listener: (reason: unknown) => void): unknown;
  off(event: string, listener: (reason: unknown) => void): unknown;
  exit(status: number): void;
}

export interface ShutdownOptions {
  /** Closing it finishes what is in flight and then closes what the parts hold, the database last. */
  readonly app: { close(): PromiseLike<unknown> };
  /** Makes `/readyz` say 503, so that no new requests are sent. */
  beginDrain(): void;
  /** How long it goes on serving when it is not ready any more, until whoever sends requests has seen that; milliseconds. */
  readonly delayMs?: number;
  /** How long closing may take after that, in milliseconds. */
  readonly timeoutMs: number;
  /** Its `err` serializer must redact. */
  readonly log: Pick<FastifyBaseLogger, 'info' | 'error' | 'fatal'>;
  readonly host?: Host;
}

/**
 * Ends the process on SIGTERM and SIGINT: status 0 when all was finished, 1 when the time ran out or closing failed.
 * A second signal ends it at once. An uncaught exception or rejection is logged and ends it with 1 (its state is
 * unknown then: Node's documentation of `uncaughtException`).
 * @returns takes the listeners off again
 */
export function gracefulShutdown({
  app,
  beginDrain,
  delayMs = 0,
  timeoutMs,
  log,
  host = process,
}: ShutdownOptions): () => void {
  let stopping = false;

  const stop = (status: 0 | 1): void => {
    if (stopping) {
      host.exit(1);
      return;
    }
    stopping = true;
    const deadline = setTimeout(() => {
      log.error(`Not closed within ${timeoutMs} ms; giving up.`);
      host.exit(1);
    }, delayMs + timeoutMs);
    const end = (final: number): void => {
      clearTimeout(deadline);
      host.exit(final);
    };
    beginDrain();
    const close = () =>
      void app.close().then(
        () => {
          log.info('Closed.');
          end(status);
        },
        (err: unknown) => {
          log.error({ err }, 'Closing failed.');
          end(1);
        },
      );
    // After a fault that nobody caught nothing more is begun.
    if (delayMs > 0 && status === 0) setTimeout(close, delayMs);
    else close();
  };

  const listeners: Readonly<Record<string, (reason: unknown) => void>> = {
    SIGTERM: () => {
      log.info('SIGTERM: stopping.');
      stop(0);
    },
    SIGINT: () => {
      log.info('SIGINT: stopping.');
      stop(0);
    },
    uncaughtException: (err) => {
      log.fatal({ err }, 'Uncaught exception: stopping.');
      stop(1);
    },
    // Without a listener Node makes an exception of it whose message quotes the reason.
    unhandledRejection: (err) => {
      log.fatal({ err }, 'Unhandled rejection: stopping.');
      stop(1);
    },
  };
  for (const [event, listener] of Object.entries(listeners)) host.on(event, listener);
  return () => {
    for (const [event, listener] of Object.entries(listeners)) host.off(event, listener);
  };
}
