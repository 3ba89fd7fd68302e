import t from 'tap';
import { createReadiness, healthPlugin } from '../../src/server/health.js';
import { startTestServer } from '../helpers/server.js';

async function server(t: Parameters<typeof startTestServer>[0], isReady: () => Promise<boolean>) {
  const { app } = startTestServer(t);
  const readiness = createReadiness({ isReady });
  await app.register(healthPlugin, { readiness });
  return { app, readiness };
}

t.test('answers 200 on /healthz whatever the state of the database', async (t) => {
  const { app, readiness } = await server(t, async () => false);
  readiness.beginDrain();
  const response = await app.inject('/healthz');
  t.match(response, { statusCode: 200 });
  t.same(response.json(), { status: 'ok' });
});

t.test('answers 200 on /readyz if ready, otherwise 503 without the cause', async (t) => {
  const answers = [async () => true, async () => false, async () => Promise.reject(new Error('hunter2'))];
  const { app } = await server(t, () => answers.shift()!());
  t.equal((await app.inject('/readyz')).statusCode, 200);
  for (let index = 0; index < 2; index += 1) {
    const response = await app.inject('/readyz');
    t.match(response, { statusCode: 503, headers: { 'retry-after': '1' } });
    t.same(response.json(), {
      errors: [{ message: 'Not ready to serve requests.', extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } }],
    });
  }
});

t.test('is not ready after beginDrain, even for a running check', async (t) => {
  let answer: (ready: boolean) => void = () => undefined;
  const readiness = createReadiness({ isReady: () => new Promise((resolve) => (answer = resolve)) });
  const underWay = readiness.check();
  readiness.beginDrain();
  answer(true);
  t.equal(await underWay, false);
  t.equal(await readiness.check(), false);
});

t.test('shares one check between concurrent probes, and starts a new one for the next', async (t) => {
  let checks = 0;
  const readiness = createReadiness({ isReady: async () => (checks += 1) > 0 });
  t.same(await Promise.all([readiness.check(), readiness.check(), readiness.check()]), [true, true, true]);
  t.equal(checks, 1);
  await readiness.check();
  t.equal(checks, 2);
});

t.test('times out a check that hangs, and starts no other while it hangs', async (t) => {
  let checks = 0;
  let answer: (ready: boolean) => void = () => undefined;
  const isReady = () => {
    checks += 1;
    return new Promise<boolean>((resolve) => (answer = resolve));
  };
  const readiness = createReadiness({ isReady, timeoutMs: 5 });
  t.equal(await readiness.check(), false);
  t.equal(await readiness.check(), false);
  t.equal(checks, 1);
  const late = readiness.check();
  answer(true);
  t.equal(await late, true);
});
