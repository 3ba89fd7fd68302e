// Stops everything that a run has started, however the run ends. Servers and the cluster have their own process groups, so that
// Ctrl-C reaches only the runner, which stops them in order.

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const ends = [];
let interrupted = false;
let ending = Promise.resolve();

/** Registers how something is stopped. The last one started is stopped first. */
export function onEnd(end) {
  ends.push(end);
  // It was started during the shutdown.
  if (interrupted) void endAll();
}

/** The number of registrations, for a later `endAll`. */
export const started = () => ends.length;

/** Stops everything registered after the first `from`. A failure is printed and does not prevent the rest. */
export function endAll(from = 0) {
  // One at a time: an interrupted run calls this twice, and waits for the first call.
  ending = ending.then(async () => {
    while (ends.length > from) {
      try {
        await ends.pop()();
      } catch (error) {
        console.error(`Not ended: ${error.message}`);
        process.exitCode = 1;
      }
    }
  });
  return ending;
}

/** Stops everything and exits on a signal or an unhandled error. */
export function endOnSignals() {
  const interrupt = (status) => {
    // npm forwards the signal that the terminal has already sent.
    if (interrupted) return;
    interrupted = true;
    void endAll().finally(() => process.exit(status));
  };
  for (const [signal, status] of Object.entries(SIGNALS)) process.on(signal, () => interrupt(status));
  process.on('uncaughtException', (error) => {
    if (!interrupted) console.error(error);
    interrupt(1);
  });
  // After SIGHUP there is no terminal to write to.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
