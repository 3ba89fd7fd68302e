// The end of what was started, whatever ends the run. Servers and the cluster are in process groups of their own, so that
// Ctrl-C reaches the runner alone and it ends them in order.

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const ends = [];
let interrupted = false;
let ending = Promise.resolve();

/** Says at the start of something how it ends; what was started last ends first. */
export function onEnd(end) {
  ends.push(end);
  // It was started while all else was ended.
  if (interrupted) void endAll();
}

/** How many there are, for `endAll` of what comes after. */
export const started = () => ends.length;

/** Ends what was started after so much; one that fails is told and does not keep the others from it. */
export function endAll(from = 0) {
  // One at a time: an interrupted run gets here twice, and waits for what the first does.
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

/** Ends everything and the process when it is told to, or when nobody waits for what failed. */
export function endOnSignals() {
  const interrupt = (status) => {
    // npm passes on what the terminal has sent already.
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
