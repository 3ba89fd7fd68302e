// The load, in a separate process: requests over keep-alive connections, with a check of each response. Its own cost is the same
// for every variant, and part of the result.
import { once } from 'node:events';
import { Client } from 'undici';
import { percentile } from '../lib/stats.mjs';
import { cpuOf } from '../lib/process.mjs';

const FIRST_ANSWER_MS = 30_000;

/** Whether a response contains all texts that its request expects. */
const holds = (text, expect) =>
  Array.isArray(expect) ? expect.every((part) => text.includes(part)) : text.includes(expect);

/**
 * One connection: a request at a time, its latency noted while measuring.
 * @param expect the text of responses to requests that have no `expect`
 * @param note receives the latency in milliseconds, whether the response was right, and when its request was due
 */
function createConnection({ url, requests, expect, next }, index, connections, note) {
  const client = new Client(url, { pipelining: 1 });
  // Each connection has its own requests, because a refresh token can be used once.
  const own = requests.filter((_, position) => position % connections === index);
  const share = own.length > 0 ? own : [requests[index % requests.length]];
  let turn = 0;
  return {
    client,
    share,
    send(startedAt = performance.now()) {
      const spec = share[turn];
      return new Promise((resolve) => {
        let text = '';
        let ok = false;
        const done = (answered) => {
          const right = answered && ok && holds(text, spec.expect ?? expect);
          note(performance.now() - startedAt, right, text, startedAt);
          if (right && next === 'refresh') share[turn] = refreshed(spec, text);
          if (next) turn = (turn + 1) % share.length;
          resolve();
        };
        client.dispatch(spec, {
          onRequestStart() {},
          onResponseStart: (_controller, status) => void (ok = status === 200),
          onResponseData: (_controller, chunk) => void (text += chunk.toString('latin1')),
          onResponseEnd: () => done(true),
          onResponseError: (_controller, error) => {
            text = String(error);
            done(false);
          },
        });
      });
    },
  };
}

/** The same request with the refresh token that the answer brought. */
function refreshed(spec, text) {
  const { refreshToken } = JSON.parse(text).data.refresh;
  return { ...spec, body: JSON.stringify({ ...JSON.parse(spec.body), variables: { refreshToken } }) };
}

async function run({ seconds, warmup, connections, rate, ...scenario }) {
  let measuring = false;
  // When it began and ended.
  let [from, until] = [Infinity, Infinity];
  let over = false;
  const latencies = [];
  let bad = 0;
  let fault;
  const note = (latency, right, text, due) => {
    if (!right) {
      bad += 1;
      fault ??= text.slice(0, 300);
    }
    // At a constant rate, requests that were due in this time count, however late their response was.
    if (rate ? due >= from && due < until : measuring) latencies.push(latency);
  };
  const all = Array.from({ length: connections }, (_, index) => createConnection(scenario, index, connections, note));
  const closedLoop = async (connection) => {
    while (!over) await connection.send();
  };
  const working = rate ? [openLoop(all, rate, () => over)] : all.map(closedLoop);

  await wait(warmup * 1000);
  // Read now, to include the database connections that the load has opened.
  process.send({ warm: true });
  const [{ watch }] = await once(process, 'message');
  const watched = Object.entries(watch);
  const before = watched.map(([, pids]) => cpuOf(pids));
  const own = process.cpuUsage();
  const startedAt = performance.now();
  measuring = true;
  from = startedAt;
  await wait(seconds * 1000);
  // A slow server is measured at least until its first response.
  while (latencies.length === 0 && performance.now() - startedAt < FIRST_ANSWER_MS) await wait(10);
  measuring = false;
  until = performance.now();
  const took = (until - startedAt) / 1000;
  const used = watched.map(([name, pids], index) => [name, cpuOf(pids) - before[index]]);
  const { user, system } = process.cpuUsage(own);
  over = true;
  await Promise.all(working);
  await Promise.all(all.map(({ client }) => client.close()));
  const sorted = Float64Array.from(latencies).sort();
  return {
    requests: sorted.length,
    perSecond: sorted.length / took,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    bad,
    fault,
    // All requests with their newest tokens, for the next run.
    last: scenario.next === 'refresh' ? all.flatMap(({ share }) => share) : undefined,
    cpu: {
      ...Object.fromEntries(used.map(([name, time]) => [name, time / sorted.length])),
      load: (user + system) / sorted.length,
    },
  };
}

/**
 * Sends requests at a constant rate, independent of the response times. The latency of a request is measured from when it was
 * due. Requests that are due at the end are still sent, because they waited longest.
 */
async function openLoop(all, rate, isOver) {
  const idle = [...all];
  const due = [];
  const running = new Set();
  const begin = performance.now();
  for (let sent = 0; !isOver() || due.length > 0;) {
    while (!isOver() && begin + (sent * 1000) / rate <= performance.now()) due.push(begin + (sent++ * 1000) / rate);
    while (due.length > 0 && idle.length > 0) {
      const connection = idle.pop();
      const answered = connection.send(due.shift()).then(() => {
        idle.push(connection);
        running.delete(answered);
      });
      running.add(answered);
    }
    await wait(1);
  }
  await Promise.all(running);
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

process.once('message', async (spec) => {
  process.send(await run(spec), () => process.disconnect());
});
