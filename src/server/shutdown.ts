/** Ends the process in bounded time: gracefully on a signal, with status 1 on an uncaught error. */
import type { FastifyBaseLogger } from 'fastify';

/** The part of `process` that is used. */
export interface Host {
  on(event: string, listener: (reason: unknown) => void): unknown;
  off(event: string, listener: (reason: unknown) => void): unknown;
  exit(status: number): void;
}

export interface ShutdownOptions {
  /** `close` finishes requests in flight and then closes everything, the database last. */
  readonly app: { close(): PromiseLike<unknown> };
  /** Makes `/readyz` answer 503, so that load balancers stop sending requests. */
  beginDrain(): void;
  /** How long to serve requests after `beginDrain`, until load balancers have noticed, in milliseconds; default 0. */
  readonly delayMs?: number;
  /** Timeout of `close`, in milliseconds. */
  readonly timeoutMs: number;
  /** Its `err` serializer must redact. */
  readonly log: Pick<FastifyBaseLogger, 'info' | 'error' | 'fatal'>;
  readonly host?: Host;
}

/**
 * Ends the process on SIGTERM and SIGINT: with status 0 after a complete shutdown, 1 if it timed out or failed. A second signal ends
 * it at once. An uncaught exception or rejection is logged and ends it with 1, because its state is undefined (Node's
 * documentation of `uncaughtException`).
 * @returns a function that removes the listeners
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
      log.error(`Shutdown did not finish within ${timeoutMs} ms; exiting`);
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
          log.info('Shutdown complete');
          end(status);
        },
        (err: unknown) => {
          log.error({ err }, 'Shutdown failed');
          end(1);
        },
      );
    // After an uncaught error no new requests are served.
    if (delayMs > 0 && status === 0) setTimeout(close, delayMs);
    else close();
  };

  const listeners: Readonly<Record<string, (reason: unknown) => void>> = {
    SIGTERM: () => {
      log.info('Received SIGTERM; shutting down');
      stop(0);
    },
    SIGINT: () => {
      log.info('Received SIGINT; shutting down');
      stop(0);
    },
    uncaughtException: (err) => {
      log.fatal({ err }, 'Uncaught exception; shutting down');
      stop(1);
    },
    // Without a listener Node throws an exception whose message contains the reason, unredacted.
    unhandledRejection: (err) => {
      log.fatal({ err }, 'Unhandled rejection; shutting down');
      stop(1);
    },
  };
  for (const [event, listener] of Object.entries(listeners)) host.on(event, listener);
  return () => {
    for (const [event, listener] of Object.entries(listeners)) host.off(event, listener);
  };
}
