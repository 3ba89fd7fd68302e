// Asks a load process for one measurement.
import { fileURLToPath } from 'node:url';
import { forkChild } from './child.mjs';

const WORKER = fileURLToPath(new URL('../load/worker.mjs', import.meta.url));

/**
 * Measures one scenario: `url`, `requests` (`expect` of each is the text, or the texts, that its answer holds),
 * `expect` (the same, for requests without one), `connections` (each with a share of the requests; it sends the first
 * of it), `next` ('rotate': it goes through its share; 'refresh': and keeps the token that each answer brought),
 * `seconds`, `rate` (per second; left out: as many as are answered), `watch` (process ids by name, whose CPU time is
 * told for each request; or a function that finds them once the load has warmed up).
 * @throws Error when an answer was not right, since its time would mean nothing
 */
export function measure(scenario) {
  const worker = forkChild(WORKER, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (status) => reject(new Error(`The load ended with ${status}`)));
    worker.on('message', (result) => {
      if (result.warm) {
        const found = async () => (typeof scenario.watch === 'function' ? scenario.watch() : scenario.watch);
        found().then((watch) => worker.connected && worker.send({ watch: watch ?? {} }), reject);
        return;
      }
      if (result.bad > 0)
        reject(new Error(`${result.bad} of ${scenario.name}'s answers are not right: ${result.fault}`));
      else resolve(result);
    });
    worker.send({ warmup: 0.3, connections: 64, ...scenario, watch: undefined });
  });
}
