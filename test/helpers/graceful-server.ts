/** A process with the production server and shutdown. Its standard input makes it respond or fail. */
import { createInterface } from 'node:readline';
import { loadConfig } from '../../src/config/config.js';
import { createReadiness, healthPlugin } from '../../src/server/health.js';
import { createServer } from '../../src/server/http-server.js';
import { gracefulShutdown } from '../../src/server/shutdown.js';

const app = createServer(loadConfig({ NODE_ENV: 'test' }));
const readiness = createReadiness({ isReady: async () => true });
await app.register(healthPlugin, { readiness });
let answer: () => void = () => undefined;
app.get('/slow', (request, reply) => {
  answer = () => void reply.send('slow');
  request.log.info('arrived');
  return reply;
});
app.addHook('onClose', async () => app.log.info('pool closed'));
gracefulShutdown({ app, beginDrain: readiness.beginDrain, timeoutMs: 10_000, log: app.log });

const commands: Record<string, () => void> = {
  answer: () => answer(),
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what careless code does
  reject: () => void Promise.reject('hunter2'),
};
createInterface(process.stdin).on('line', (line) => commands[line]?.());
await app.listen({ host: '127.0.0.1', port: 0 });
app.log.info({ port: (app.server.address() as { port: number }).port }, 'port');
